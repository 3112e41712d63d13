"""Deposits: value that arrives from a network, credited once and once only.

    detected ──▶ confirming ──▶ credited ──▶ charged_back     (its network took it away after all; a person says so.
        │  ▲          │             (a reorg after credit        Seen again, it is detected again)
        │  │          │              pauses the asset)
        ▼  └──────────┴──▶ orphaned ──▶ detected again, under the same identity
    quarantined   (with the reason: nobody's address, a log without money, …)

What this prevents: crediting twice (the identity is unique and excludes the block), crediting what is not final, skipping
a block (the cursor moves only over blocks whose deposits are committed). Read: `scan`, `detect`, `confirm`, `orphan`,
`attribute`, `charge_back`.
"""
