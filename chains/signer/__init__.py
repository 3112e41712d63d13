"""The signer: the one process that holds private keys which can move money. It signs what its own policy allows.

What this prevents: whoever owns the API, the workers or the database moving more than the automatic limit. The signer
believes no database row: it decodes every byte that it is asked to sign, derives every address of ours itself, and
remembers in a file of its own what it has signed.

    SignRequest ─▶ recall ──same request──▶ the same bytes again
                     │ new
                     ▼
                   weigh (decode, derive, compare) ─▶ Effect ─▶ judge (limits, used ids) ─▶ sign ─▶ remember ─▶ Signed
                     │                                  │                                     fsync, then answer
                     └──────────▶ SignerRefused ◀───────┘

Read in this order: `paths` and `keys` (which key is whose), `policy` (what is allowed), `weigh_evm`, `weigh_bitcoin` and
`weigh_sepa` (what a payload would do), `judge` (limits), `memory` (what was done), `local` (the whole in one process),
`wire` and `server` (the socket), `keystore`, `passphrase` and `settings` (the start). The other side of the socket is
`chains.signer_client`.
"""
