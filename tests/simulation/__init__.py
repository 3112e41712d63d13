"""A whole node in a seeded simulation: `python -m tests.simulation --seeds N` or `--seed S`, or `make sim`; `--deposits N`, or
`make sim DEPOSITS=100000`, for the deposits alone.

virtual_time   an event loop whose clock jumps to the next timer, and whose randomness is one seed
wire           PostgreSQL for that loop: one call in flight at a time, time standing still meanwhile
unreliable     networks that lag, forget, reorg, fall silent and lose answers
life           one life of the node's process: its workers and its customers, until it ends or crashes
invariants     what must hold at every moment, and what must hold once everything is quiet
model_chain    a chain that knows what truly arrived
lying          providers of it that lag, break off, fall silent, and lie in one answer of a hundred
deposits       a node behind them that crashes once for every ten deposits: none missed, none double
run            lives in a row on one database, and what came of it
"""
