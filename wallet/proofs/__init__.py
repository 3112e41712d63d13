"""Proving the books from the journal alone: it is read, never written, and nothing here is trusted by the Journal.

verify      the replay from the first change to the last, with progress and the first bad place in words
replay      the books as the bodies tell them        copied    blocks of rows as PostgreSQL copies them out
compare     the tables beside what was replayed      source    archives of old partitions, then the database
batches     the signed root of each transaction      witness   signed heads that somebody else keeps
"""
