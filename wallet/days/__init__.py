"""Days, which are UTC's: when one is over, and a platform's daybook of it.

begin       the first Change of a day, by which the Journal's own time passes midnight
daybook     all that happened to a platform's accounts on one day: a file that never changes
"""
