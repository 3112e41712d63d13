"""Statements: what an account had, what was posted, and what it had then; for one customer, asset and period.

    open        the figures at both ends, and whether the period is over
    posted      what was posted between them, which must lead from one to the other to the last unit
    files       as JSON and as CSV; the printable page is made in `api/web`

A period is half-open and in UTC, and stands for one range of the journal: the order is the journal's and never a clock's, so
equal times, a clock that goes back and the ends of calendars move nothing from one statement into another. A statement whose
period is over never changes; its closing balance is the next one's opening balance.
"""
