"""Breaks: named differences between the books and a network. In doubt the node stops that asset alone and says what to do.

    open ──▶ resolved     explained (the difference is gone), or booked as a loss of the house

What this prevents: withdrawals that go on being paid out of money that is not there, and one asset's trouble that stops
all others. A surplus opens none: anybody can send a unit. Read: `open`, `locate`, `resolve`.
"""
