"""Measurements of the product on this machine: `python -m tests.bench NAME [--json]`.

    journal    payments through the Journal against pgbench's TPC-B on the same PostgreSQL server
    slow_disk  two processes' Journals against pgbench's TPC-B, on a server whose commits take 5 ms
    growth     how cost grows from ten thousand transfers to a million, or ten million
    http       payments over HTTP against pgbench's TPC-B, and what guards a request against a bare HTTP server

What a figure means stands in docs/benchmarks.md.
"""
