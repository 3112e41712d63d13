"""Strays: value at an address of ours that no listing of its network covers. It is nobody's balance, and it is not lost.

    seen ──▶ recovering ──▶ recovered      sent to an address that its owner named, under four eyes (`recover`)
      │ ▲         │
      │ └─────────┘                        the tx that should have done it is dead
      ├──▶ credited                        a deposit was made of it: the asset is listed by now (`credit`, or a scan)
      └──▶ orphaned ──▶ seen, credited     a reorg took its block, and another has it again (`orphan`)

What this prevents: money that was sent wrongly and that nobody hears of, a token that lies its way into a balance by its
name, and a flood of worthless tokens that fills the books or hides what matters. Read: `record`, `view`, `orphan`,
`find`, `credit`, `recover`.
"""
