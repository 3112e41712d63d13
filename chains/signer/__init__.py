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

Read in this order, a folder for each question:

    keys         which keys there are, sealed on the disk and as words on paper
    judging      may this be signed? `policy`, `weigh_…`, `judge`, `guard`
    signing      the signatures themselves, a kind of network each
    memory       what was signed and decided, for ever
    people       who may lift a stop, sign the policy, or name their successors
    addresses    ours made again: to vouch for them, and to rehearse a restore
    serving      the socket; its other side is `chains.signer_client`
    ceremonies   the seed before witnesses
    offline      signing on a machine without a network

`kinds` tells the kinds of network apart, `local` is the whole in one process, and `journal_proof` what a node must show it
first. `settings`, `admit`, `start` and `__main__` are the way from files to a running signer. Arrows between the folders are
kept by import-linter.
"""
