"""The core: money, the Journal, the ledger, and what customers do with them.

It imports nothing of ours. What it asks of the world stands in `ports`; who answers is decided in
`node/compose.py`. Read in this order: `money`, `ledger/templates`, `journal`, `proofs`, `deposits`, `withdrawals`, `treasury`.
"""
