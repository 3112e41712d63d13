"""Accounts that share a hash, and so a stretch of the index, are still walked apart."""

from node.database import Dsns
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, paid
from wallet.journal import Journal
from wallet.ledger.walk import SEQ_MAX, in_order, within


async def test_an_account_that_shares_its_hash_with_all_others_has_only_its_own_transfers(
    dsns: Dsns, journal: Journal
) -> None:
    for change in (credited(ALICE, 9), credited(BOB, 9), paid(ALICE, BOB, 1), paid(BOB, ALICE, 2), paid(ALICE, BOB, 3)):
        await journal.commit(change)
    walk = f"SELECT seq FROM transfers WHERE {within('debit', '$1', '1', str(SEQ_MAX))} ORDER BY {in_order('debit')}"
    shared = walk.replace("hashtextextended(debit_account, 0)", "abs(0)").replace("hashtextextended($1, 0)", "abs(0)")
    assert "hash" not in shared
    async with connected(dsns.books) as connection:
        for sql in (walk, shared):
            assert [row["seq"] for row in await connection.fetch(sql, f"{ALICE}:balance:EUR")] == [3, 5]
