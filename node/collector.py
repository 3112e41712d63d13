"""Python's garbage collector in a node that runs for months.

What start-up made stays until the end, and so do the balances in the Journal's memory: walking them again and again costs a
fifth of the writer's time and finds nothing (docs/benchmarks.md).
"""

import gc

YOUNG_MAX = 50_000  # objects made between two looks at the young ones: what a batch of a thousand payments makes
MIDDLE_EVERY, OLD_EVERY = 20, 100  # a cycle that waits for these costs memory for minutes, no more


def settle_collector() -> None:
    """Once, when start-up is over: leave out what is there, and look at what comes less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX, MIDDLE_EVERY, OLD_EVERY)
