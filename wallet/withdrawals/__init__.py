"""Withdrawals: value that leaves to a network, paid at most once.

    requested ──▶ approved ──▶ signed ──▶ submitted ──▶ included ──▶ final ──▶ returned  (by the receiving bank)
        │            │                                     │
        ├▶ cancelled └▶ (stopped by a person)               └▶ failed  (provably dead, or included and reverted)
        └▶ rejected

The order is law: hold the money (`request`), ask the signer's policy, reserve nonce or inputs, sign, store the signed
bytes durably, only then submit (`pay`); from then on only those bytes are ever sent, or a replacement on the same nonce or
inputs that went the same way (`treasury.drive`). The hold ends only when the payment is final or can never happen.

Read: `states`; `request` with `target` (where to), `terms` (the fee), `probe` (a contract at the other end) and `internal` (to
a customer of ours); `cancel`; `queue`, `pay`, `begin`; `waiting` and `view` (what the owner is told); then `treasury`.
"""
