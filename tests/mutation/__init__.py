"""How good the unit tests are: `make mutants`, or `make mutants MODULE=wallet/journal/judge.py`.

mutmut changes one thing at a time in the pure code of money (a sign, a bound, a name, an operand) and runs the tests that
reach it, which must notice. In reading order: `modules` (what is changed, and by which tests it is judged), `survivors`
(those that no test notices, each with the reason), `run`.

All of them take minutes on a machine that is free. On a busy one a random sample tells nearly as much: `make mutants
ARGS="--sample 600 --seed 7"`.

Functions that touch the world (`async def`) are left out: tests with a database and killed nodes are theirs.
"""
