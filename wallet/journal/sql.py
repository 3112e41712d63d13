"""One SQL statement out of many: each part writes to one table, and all that they wrote is counted by the server itself.

    WITH head AS (…), p1 AS (…), p2 AS (…) SELECT … refuse_batch(what was written, what was judged)

The first part stands for the journal's head: it finds one row, or the parts after it write nothing. A wrong count raises on
the server, so that a statement sent alone, which is a transaction of its own, commits only what was judged. All parts see
the database as it was before the statement (PostgreSQL documentation, "Data-Modifying Statements in WITH").
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from wallet.journal.arrays import number_array

HEAD_MOVED = "CF001"  # the SQLSTATE of refuse_batch where the head is not the one that the batch was judged on
MISCOUNTED = "CF002"  # … and where a table did not take what was judged


@dataclass(frozen=True, slots=True)
class Part:
    """`sql` has `{}` for each of its `arguments`, and writes (or finds) so many `rows` if nothing is wrong. Parts after the
    head write only `WHERE EXISTS (SELECT FROM head)`, so that they wait for its lock and follow what it found."""

    sql: str
    arguments: tuple[object, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class SqlStatement:
    sql: str
    arguments: tuple[object, ...]


def together(parts: Sequence[Part]) -> SqlStatement:
    """The first part is the head's."""
    arguments = tuple(argument for part in parts for argument in part.arguments)
    sql = _sql(tuple((part.sql, len(part.arguments)) for part in parts))
    return SqlStatement(sql, (*arguments, number_array([part.rows for part in parts])))


@lru_cache(maxsize=256)
def _sql(parts: tuple[tuple[str, int], ...]) -> str:
    names, tables, first = ["head", *(f"p{n}" for n in range(1, len(parts)))], [], 1
    for name, (sql, width) in zip(names, parts, strict=True):
        tables.append(f"{name} AS ({sql.format(*(f'${n}' for n in range(first, first + width)))})")
        first += width
    written = ", ".join(f"(SELECT count(*) FROM {name})" for name in names)  # noqa: S608 (our own names)
    counted = f"SELECT ARRAY[{written}] AS written, ${first}::text::bigint[] AS judged"
    answer = "CASE WHEN written = judged THEN 0 ELSE refuse_batch(written, judged) END"
    return f"WITH {', '.join(tables)}, counted AS ({counted}) SELECT {answer} FROM counted"  # noqa: S608 (our own parts)
