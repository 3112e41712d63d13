"""The ledger: two-sided transfers between accounts of one asset, so that an unbalanced entry cannot be written down.

`accounts` names who can hold and owe; `transfers` the four moves; `templates` has one pure function per money event
(read it to learn how the bank works); `balances` reads; `reconcile` proves the books against the networks.
"""
