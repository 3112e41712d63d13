"""A whole node in a seeded simulation: `python -m tests.simulation --seeds N` or `--seed S`, or `make sim`.

virtual_time   an event loop whose clock jumps to the next timer, and whose randomness is one seed
wire           PostgreSQL for that loop: one call in flight at a time, time standing still meanwhile
unreliable     networks that lag, forget, reorg, fall silent and lose answers
life           one life of the node's process: its workers and its customers, until it ends or crashes
invariants     what must hold at every moment, and what must hold once everything is quiet
run            lives in a row on one database, and what came of it
"""
