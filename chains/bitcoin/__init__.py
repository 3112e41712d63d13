"""The Bitcoin family: deposits to P2WPKH and P2TR addresses, withdrawals to any standard address, one node behind it.

The family is whatever has coins in unspent outputs with witnesses; `parameters` says which chains, and all that differs.
Reading order: `parameters`, `bech32`, `taproot`, `address`, `rawtx` (bytes to facts, strictly), `headers` and `proven` (the
work behind a block), `rawblock`, `bech32_bulk`, `scan`, `mempool`, `coins`, `build`, `decode`, `fees`, `submit`, `status`,
`observe`, and `network`, which is the whole of it behind `wallet.ports.Network`. Why so: docs/decisions/0017.
"""
