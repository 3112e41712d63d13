"""The policy of these books: which withdrawals people must approve before they are begun. Data, with versions.

    a file ──(proposed by one operator, approved by another)──▶ version n, in force from its Change on ──▶ ended by n + 1

What this prevents: a rule that one person changes, and an amount that is split into many small ones: rules may sum what one
customer, one destination or the whole house lets out in a window, exactly, however much is asked for at once. Without any
version nobody is asked by these books, and what the signer's own file allows is all that bounds; once there is one, an asset
that it does not name waits for people. Read: `rules`, `words`, `catch`, `weigh`, `versions`, `past`.
"""
