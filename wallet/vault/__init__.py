"""Personal data: sealed under a key per person, readable only for a stated purpose, gone when the person is erased.

What this prevents: names, IBANs and e-mail addresses in the books, the logs or the database in clear, and a promise of
erasure that a hash chain or an old backup would break. The journal carries only a commitment `H(salt ‖ value)`; value
and salt are here. Erasing a person destroys their key, after which every copy of their items is noise.

    sealed ──reveal(purpose)──▶ clear, in memory only
      │
      └──erase(person)──▶ unreadable for ever (PersonErased), also after a restore

Read in this order: `items` (what is sealed, and the pure sealing), `keys` (where the keys live), `vault` (both together).
This package never touches the database: the core writes `SealedItem`s in the Journal's transaction.
"""
