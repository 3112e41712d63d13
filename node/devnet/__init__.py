"""Development networks: real nodes on this machine, for the demo, for `coffer devnet` and for tests. Never for money.

`debian` fetches programs without installing them, `bitcoind` runs Bitcoin's regtest, `anvil` an Ethereum chain.
"""
