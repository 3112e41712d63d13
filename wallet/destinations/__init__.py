"""Saved destinations: a customer's address book for withdrawals.

    saved ──(delay)──▶ usable ──▶ removed ──▶ saved again, with a new delay

Each waits before its first use, so that whoever gets hold of an API key cannot send to a place of their own at once. Read:
`mark`, `find`, `save`, `remove`; `wallet.limits.admit` is where a withdrawal is held to it.
"""
