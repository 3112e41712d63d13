"""The node's loops, one a file. Each step is repeatable and keyed by natural unique keys; a lease keeps two processes from
doing the same work twice, and losing a lease can do no harm.

    follow_network      scan, observe, confirm, credit   sweep_deposits       deposits to the hot address
    pay_withdrawals     sign, submit, follow to final    prepare_partitions   room for the next days' rows
    reconcile_assets    networks against the books   begin_day            the Journal's time passes midnight
"""
