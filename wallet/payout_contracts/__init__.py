"""The contract by which a network pays many withdrawals in one submission: made once, for the hot address, by two operators.

    making ──▶ ready ──▶ suspended      its code is not ours, or its tx never made it: withdrawals are paid one by one again
                 ▲           │
                 └─ another ◀┘

What this prevents: money that goes through a contract which nobody has looked at, or which is not any more what was looked at.
What must stand there is known to the last byte before it is made; it is compared at each final block, and by the adapter before
each payout. An asset goes through it only once two operators allowed that. Read: `draft`, `set_up`, `watch`, `adopt`.
"""
