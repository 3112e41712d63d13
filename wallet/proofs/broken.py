"""What proving the books raises."""


class BooksBroken(Exception):
    """The first place where the database does not say what the journal says."""
