"""Ethereum and other EVM chains: the chain's own asset and listed ERC-20 tokens, over raw JSON-RPC.

Read in this order: `wire` (what a node answers), `listings`, `address`, `token`, `claims`, `scan`, `fees`, `build`, `submit`,
`status`, `observe`, `network`. The signer reads only `decode`, which stands on `rlp` and `address`.

One provider is trusted for what is in a block. A token's log is a claim all the same: only the balance that grew by
exactly the claimed units proves it. Value sent by contracts without a top-level tx (internal calls, block rewards) is
not seen yet.
"""
