"""Deposits: value that arrives from a network, credited once and once only.

    detected ──▶ confirming ──▶ credited ◀──▶ uprooted ──▶ charged_back
        │  ▲          │         (a reorg took its block:     (it is not in the new branch, or a bank took it away:
        │  │          │          the new branch is           its owner bears that. Seen again, it is detected again)
        │  │          │          looked through)
        ▼  └──────────┴──▶ orphaned ──▶ detected again, under the same identity
    quarantined   (with the reason: nobody's address, a log without money, …)

What this prevents: crediting twice (the identity is unique and excludes the block), crediting what is not final, skipping
a block (the cursor moves only over blocks whose deposits are committed). Read: `states`, `scan`, `detect`,
`move` (from state to state), `confirm`, `orphan`, `take_back`, `attribute`, `charge_back`.
"""
