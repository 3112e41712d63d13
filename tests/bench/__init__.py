"""Measurements of the product on this machine: `python -m tests.bench NAME [--json]`.

    journal    payments through the Journal against pgbench's TPC-B on the same PostgreSQL server
    http       payments over HTTP against pgbench's TPC-B, and what guards a request against a bare HTTP server

What a figure means stands in docs/benchmarks.md.
"""
