"""Bitcoin: deposits to P2WPKH addresses of ours, withdrawals to any standard address, one trusted bitcoind behind it.

Reading order: `parameters` (the chains), `bech32`, `address`, `rawtx` and `rawblock` (bytes to facts, strictly), `scan`,
`coins`, `build`, `decode` (all that the signer imports), `fees`, `submit`, `status`, `observe`, and `network`, which is the
whole of it behind `wallet.ports.Network`.
"""
