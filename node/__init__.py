"""The composition root: configuration, database, the node's processes and loops, the command line, and the dev networks.

It may import everything; nothing imports it. Read: `config`, `compose`, `workers`, `run`; `devnet` and `demo` are for
trying it out.
"""
