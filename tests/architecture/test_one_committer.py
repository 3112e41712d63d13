"""One door: only the Journal writes to the books. Operational tables are written through their own role's engine.

The database's rights say the same once more (tests/integration/node/test_schema.py).
"""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import PRODUCT, Rule, Source, bites, comes_from, imports, last_name, refuse, violations
from wallet.schema import metadata

OPERATIONAL = frozenset(
    {
        "scan_cursors",
        "scanned_blocks",
        "leases",
        "notices",
        "network_views",
        "network_progress",
        "reconciliations",
        "stray_counts",
        "growth_passes",
        "payout_waits",
    }
)
BOOKS = frozenset(metadata.tables) - OPERATIONAL
JOURNAL = "wallet/journal/"
OWNERS = ("node/migrations/", "node/database/")
"""They work under the owner's role: tables, partitions, roles. No row of the books is theirs to write."""
ERASURE = ("wallet/customers/erase.py:",)
"""Empties the ciphertexts of an erased person, under the operational role, which has a right to that one column."""

_TABLE = r"\s+(?:ONLY\s+)?\"?([\w{}.]+)"
_WRITES = re.compile(
    rf"\b(?:(?:INSERT|MERGE)\s+INTO{_TABLE}|DELETE\s+FROM{_TABLE}|TRUNCATE(?!\s+ON\b)(?:\s+TABLE)?{_TABLE}"
    rf"|COPY{_TABLE}(?:\s*\([^)]*\))?\s+FROM\b"
    rf"|UPDATE{_TABLE}\s+(?:AS\s+\w+\s+)?SET\b)"
)
_VERBS = frozenset({"insert", "update", "delete"})


def written_by_text(source: Source) -> Iterator[str]:
    """SQL in strings. A table that is filled in at run time could be any, so it counts as one of the books."""
    for node in source.nodes:
        for table in _tables_written(_text(node)):
            if table not in OPERATIONAL:
                yield source.at(node, f"writes to {table}")


def written_by_statement(source: Source) -> Iterator[str]:
    """SQLAlchemy's insert, update and delete, as functions and as a table's methods."""
    imported = {name.rpartition(".")[2] for _, name in imports(source) if comes_from(name, "sqlalchemy")}
    for node in source.nodes:
        if not isinstance(node, ast.Call) or last_name(node.func) not in _VERBS:
            continue
        if isinstance(node.func, ast.Attribute) and last_name(node.func.value) in metadata.tables:
            table = last_name(node.func.value)
        elif last_name(node.func) in imported or last_name(getattr(node.func, "value", None)) in {"sqlalchemy", "sa"}:
            table = last_name(node.args[0]) if node.args else ""
        else:
            continue
        if table not in OPERATIONAL:
            yield source.at(node, f"writes to {table or 'a table that is not named'}")


def other_ways_in(source: Source) -> Iterator[str]:
    """A transaction that can write is begun on the operational engine, and committed by nobody but the Journal."""
    for node in source.nodes:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        receiver = last_name(node.func.value)
        if node.func.attr == "begin" and receiver != "ops":
            yield source.at(node, f"{ast.unparse(node.func)}: only the operational engine begins a transaction")
        if node.func.attr == "commit" and receiver.strip("_") != "journal":
            yield source.at(node, f"{ast.unparse(node.func)}: only the Journal commits")


def bare_connections(source: Source) -> Iterator[str]:
    """The core, the API and the adapters reach the database through engines; the bare driver is the Journal's."""
    for node, name in imports(source):
        if comes_from(
            name,
            "psycopg",
            "wallet.journal.store",
            "wallet.journal.connection",
            "asyncpg.connect",
            "asyncpg.create_pool",
        ):
            yield source.at(node, f"imports {name}")
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"asyncpg.connect", "asyncpg.create_pool"}:
            yield source.at(node, ast.unparse(node))


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _tables_written(text: str) -> list[str]:
    return [next(filter(None, found.groups())).removeprefix("public.") for found in _WRITES.finditer(text)]


def beside(found: list[str], *allowed: str) -> list[str]:
    return [violation for violation in found if not violation.startswith(allowed)]


def test_the_books_are_a_part_of_the_schema() -> None:
    assert set(metadata.tables) > OPERATIONAL
    assert {"journal", "transfers", "accounts", "payments"} <= BOOKS


@pytest.mark.parametrize("rule", [written_by_text, written_by_statement])
def test_only_the_journal_writes_to_the_books(rule: Rule) -> None:
    refuse(beside(violations(rule, *PRODUCT), JOURNAL, *OWNERS, *ERASURE))


def test_the_journal_does_write_to_the_books() -> None:
    assert any(violation.startswith(JOURNAL) for violation in violations(written_by_text, "wallet"))


def test_owners_write_no_rows_but_the_migrations_own() -> None:
    found = [line for rule in (written_by_text, written_by_statement) for line in violations(rule, "node")]
    refuse(found)


def test_erasing_a_person_writes_once() -> None:
    assert len([line for line in violations(written_by_statement, "wallet") if line.startswith(ERASURE)]) == 1


def test_nobody_else_begins_or_commits() -> None:
    refuse(beside(violations(other_ways_in, *PRODUCT), JOURNAL, *OWNERS))


def test_the_core_and_the_api_open_no_bare_connection() -> None:
    refuse(beside(violations(bare_connections, "wallet", "api", "chains"), JOURNAL))


@pytest.mark.parametrize(
    "text",
    [
        'sql = "INSERT INTO journal (seq) VALUES (1)"',
        'sql = "INSERT INTO public.accounts SELECT 1"',
        'sql = f"INSERT INTO {table} VALUES (1)"',
        'sql = "WITH x AS (SELECT 1) UPDATE accounts AS a SET units = 1"',
        'sql = f"UPDATE {table} SET x = 1"',
        'sql = "DELETE FROM ONLY transfers"',
        'sql = "TRUNCATE payments"',
        'sql = "COPY holds FROM STDIN"',
    ],
)
def test_the_rule_on_sql_bites(text: str) -> None:
    assert bites(written_by_text, text)


@pytest.mark.parametrize(
    "text",
    [
        'sql = "SELECT * FROM accounts FOR UPDATE"',
        'sql = "INSERT INTO leases (name) VALUES (1) ON CONFLICT (name) DO UPDATE SET holder = 1"',
        'sql = "CREATE TRIGGER t BEFORE TRUNCATE ON journal EXECUTE FUNCTION f()"',
        'note = "Updates the accounts, and inserts into journal"',
    ],
)
def test_reading_and_operational_tables_are_allowed(text: str) -> None:
    assert not bites(written_by_text, text)


@pytest.mark.parametrize(
    "text",
    [
        "from sqlalchemy import insert\ninsert(schema.payments).values(x)",
        "from sqlalchemy.dialects.postgresql import insert\ninsert(accounts)",
        "from sqlalchemy import update\nupdate(table)",
        "from sqlalchemy import delete\ndelete(tables[name])",
        "import sqlalchemy as sa\nsa.update(holds)",
        "schema.payments.insert()",
    ],
)
def test_the_rule_on_statements_bites(text: str) -> None:
    assert bites(written_by_statement, text)


@pytest.mark.parametrize(
    "text", ["from sqlalchemy import delete\ndelete(leases)", "found.update(more)", "list.insert(0, x)"]
)
def test_operational_statements_and_other_updates_are_allowed(text: str) -> None:
    assert not bites(written_by_statement, text)


@pytest.mark.parametrize("text", ["context.reads.begin()", "connection.commit()", "self.engine.begin()"])
def test_the_rule_on_transactions_bites(text: str) -> None:
    assert bites(other_ways_in, text)


def test_the_rule_on_bare_connections_bites() -> None:
    assert bites(bare_connections, "import asyncpg\nasyncpg.connect(dsn)")
    assert bites(bare_connections, "from asyncpg import connect")
    assert bites(bare_connections, "from wallet.journal import store")
    assert not bites(bare_connections, "from wallet.journal import Journal")
