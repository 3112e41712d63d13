"""A bank account in the single euro payments area, reached through a folder: statements in, payout files out.

The bank's block is its statement: numbered from 1 as we accepted them, chained by digest, final at once, for what a bank has
booked it takes back only by a new movement. Read in this order:

    account, document, figures,
    entries, camt                  what a statement says, after hardened parsing and the official schema
    statements, continuity, intake which statement is the next block; who waits, who is refused, and why
    inbox                          the folder itself: finished files only, nothing removed unread
    address, movements, history,
    scan                           payers' references; the movements of a statement as incoming and outgoing value
    payout, build, decode          the payout file (pain.001), one renderer for builder and signer
    submit, status, fees           the file leaves exactly once; only a statement tells what became of it
    network                        joins them to `wallet.ports.Network`
"""
