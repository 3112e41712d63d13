import itertools

import asyncpg

from wallet.journal.arrays import number_array, text_array

PIECES = ["", "a", '"', "\\", ",", "{", "}", "NULL", " ", "\n", "\t", "'", "ü€𝄞", "\\x00", '","']
TEXTS = ["".join(pieces) for pieces in itertools.product(PIECES, repeat=2)]
COLUMNS: list[list[str | None]] = [[], [None], ["NULL", None], [*TEXTS], [None, *TEXTS]]
COLUMNS += [[one, "plain"] for one in TEXTS]


async def test_every_text_arrives_as_it_was(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    for column in COLUMNS:
        assert await connection.fetchval("SELECT $1::text::text[]", text_array(column)) == column
    await connection.close()


async def test_every_number_arrives_as_it_was(postgres_url: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    for column in ([], [0], [-1, 2**63 - 1, -(2**63)]):
        assert await connection.fetchval("SELECT $1::text::bigint[]", number_array(column)) == column
    whole = [str(2**256 - 1), "-1", "0"]
    assert await connection.fetchval("SELECT $1::text::numeric[]::text[]", text_array(whole)) == whole
    await connection.close()
