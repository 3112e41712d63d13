"""The bank test of Jepsen over HTTP: `python -m tests.bank --operations N`, or `make bank`.

Customers pay each other through two node processes on one database while each of them is killed in turn and started
again. In reading order: `history` (what the clients saw, and whether any order explains it), `run`.
"""
