"""Movements: transfers as one of their two accounts sees them, read in the one order, the journal's.

    movement   what one is, and how its owner is told of it
    span       a period as positions of the journal: after one row, up to another, fixed before anything is read
    pages      a page, from any place on, either way: for whoever asks for some
    chunks     all of a span, of accounts, of a platform or of the whole books: for files

Both readers walk along the index of an account and side (`ledger.walk`).
"""
