"""AUD-01: seals checked in processes of their own find what is found in one, and name the same first place."""

import asyncio
import signal
from collections.abc import AsyncIterator

import asyncpg
import pytest

from node.database import Dsns
from node.seal_apart import SHARED_FROM, SealingEnded, apart_sealer
from tests.databases import FreshDatabases
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, listed, paid
from tests.integration.wallet.journal.sealing import key_listed, signing
from wallet.proofs.verify import BooksBroken, verify

ALONE, TOGETHER = SHARED_FROM + 30, 60  # Changes that are a batch each; Changes that came at once
ROWS_AT_ONCE = ALONE + 10  # in the first block there are more signatures than one process checks


@pytest.fixture(scope="module")
async def signed(databases: FreshDatabases) -> AsyncIterator[Dsns]:
    dsns = await databases.migrated()
    async with signing(dsns.books) as journal:
        for change in (key_listed(), listed(), credited(ALICE, 10_000)):
            await journal.commit(change)
        for number in range(ALONE):
            await journal.commit(paid(ALICE, BOB, 1, key=f"alone {number}"))
        await asyncio.gather(*(journal.commit(paid(ALICE, BOB, 1, key=f"k{n}")) for n in range(TOGETHER)))
    yield dsns
    await databases.drop(dsns.owner)


@pytest.fixture(autouse=True)
def several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallet.proofs.verify.CHUNK", ROWS_AT_ONCE)


async def complaint(connection: asyncpg.Connection) -> str:
    async with apart_sealer() as sealer:
        with pytest.raises(BooksBroken) as broken:
            await verify(connection, sealer=sealer)
    with pytest.raises(BooksBroken) as here:
        await verify(connection)
    assert str(broken.value) == str(here.value)
    return str(broken.value)


async def test_both_ways_prove_the_same(signed: Dsns) -> None:
    async with connected(signed.books) as connection:
        here = await verify(connection)
        async with apart_sealer() as sealer:
            assert await verify(connection, sealer=sealer) == here
    assert here.seq == here.receipts == 3 + ALONE + TOGETHER
    assert 3 + ALONE < here.batches < here.seq


_NOT_SIGNED = (
    "UPDATE journal_batches SET signature = set_bit(signature, 9, 1 - get_bit(signature, 9)) WHERE last_seq = {}"
)
_BODY = "UPDATE journal SET body = set_bit(body, 77, 1 - get_bit(body, 77)) WHERE seq = {}"
_TRANSFER = "UPDATE transfers SET units = units + 1 WHERE seq = {}"
_LAST = 3 + ALONE + TOGETHER


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ([_NOT_SIGNED.format(90)], "the batch of journal rows 90 to 90 is not signed"),
        ([_NOT_SIGNED.format(_LAST)], f"to {_LAST} is not signed"),
        ([_NOT_SIGNED.format(90), _NOT_SIGNED.format(50)], "rows 50 to 50 is not signed"),
        ([_NOT_SIGNED.format(90), _TRANSFER.format(100)], "rows 90 to 90 is not signed"),
        ([_NOT_SIGNED.format(90), _TRANSFER.format(80)], "transfer 0 of journal row 80"),
        ([_NOT_SIGNED.format(90), _BODY.format(91)], "rows 90 to 90 is not signed"),
        ([_NOT_SIGNED.format(90), _BODY.format(89)], "journal row 89 does not match its hash"),
        ([_BODY.format(_LAST)], f"journal row {_LAST} does not match its hash"),
        (["DELETE FROM journal_batches WHERE last_seq = 70"], "journal row 70 is in no batch"),
        (["UPDATE journal_batches SET key = repeat('ab', 32) WHERE last_seq = 70"], "rows 70 to 70 is not signed"),
    ],
)
async def test_aud_01_the_first_bad_place_is_named_wherever_it_is_checked(
    signed: Dsns, changes: list[str], named: str
) -> None:
    async with connected(signed.owner) as connection:
        undone = connection.transaction(isolation="repeatable_read")
        await undone.start()
        try:
            for table in ("journal", "transfers", "journal_batches"):
                await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for change in changes:
                assert await connection.execute(change) in {"UPDATE 1", "DELETE 1"}
            assert named in await complaint(connection)
        finally:
            await undone.rollback()


async def test_a_process_that_is_killed_says_nothing_about_the_books(signed: Dsns) -> None:
    async with connected(signed.books) as connection, apart_sealer() as sealer:
        sealing = sealer.processes[0]
        sealing.send_signal(signal.SIGKILL)
        await sealing.wait()
        with pytest.raises(SealingEnded):
            await verify(connection, sealer=sealer)


async def test_no_process_is_left_when_proving_breaks_off(signed: Dsns) -> None:
    async with connected(signed.books) as connection:
        with pytest.raises(ZeroDivisionError):
            async with apart_sealer() as sealer:
                await verify(connection, lambda done, of: 1 // 0, sealer=sealer)  # type: ignore[arg-type]
        assert len(sealer.processes) > 1
        assert [process.returncode for process in sealer.processes] == [0] * len(sealer.processes)
