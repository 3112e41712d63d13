"""Ethereum and other EVM chains: the chain's own asset and listed ERC-20 tokens, over raw JSON-RPC.

Read in this order: `wire` (what a node answers), `listings`, `address`, `token`, `code` (what a token's contract is),
`balances`, `traces`, `claims`, `proof`, `block_proof`, `strays`, `scan`, `fees`, `build`, `recover` (a stray), `submit`,
`status`, `chain` (the one that it is), `observe`, `network`. The signer reads only `decode`, which stands on `rlp` and
`address`.

One provider is trusted for what is in a block. What a block says is a claim all the same: only a balance that grew by what
is claimed proves it. What contracts move inside a tx is read from traces where the node has them; elsewhere, and for what
no tx carries (a block's reward, a token that moves without a log), the balances themselves are compared later on
(`wallet.growth`).
"""
