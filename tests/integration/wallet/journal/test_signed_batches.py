"""What the Journal accepted it also signed: every Change has a receipt, and nobody without the key can change a row."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from node.commands.receipts import check_in_journal
from node.database import Dsns
from tests.databases import FreshDatabases
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, listed, paid, proven, running
from tests.integration.wallet.journal.sealing import KEY, STOLEN_NAME, key_listed, signing, write_anew
from wallet.errors import InsufficientFunds
from wallet.journal.find_receipt import BatchBroken, find_receipt
from wallet.journal.receipts import Receipt, verify_receipt
from wallet.proofs.verify import BooksBroken, Proof, verify

PAYMENTS = 40


@pytest.fixture(scope="module")
async def signed(databases: FreshDatabases) -> AsyncIterator[Dsns]:
    """Rows 1 and 2 are from before there was a key; then each row is signed, the payments in batches of several."""
    dsns = await databases.migrated()
    async with running(dsns.books) as journal:
        await journal.commit(listed())
        await journal.commit(credited(ALICE, 10_000))
    async with signing(dsns.books) as journal:
        await journal.commit(key_listed())
        await asyncio.gather(*(journal.commit(paid(ALICE, BOB, 1, key=f"k{n}")) for n in range(PAYMENTS)))
        with pytest.raises(InsufficientFunds):
            await journal.commit(paid(ALICE, BOB, 10**9, key="too much"))
    yield dsns
    await databases.drop(dsns.owner)


async def receipts_of(dsn: str) -> list[Receipt | None]:
    async with connected(dsn) as connection:
        head = await connection.fetchval("SELECT seq FROM journal_head")
        return [await find_receipt(connection, seq) for seq in range(1, head + 1)]


async def test_every_change_since_the_key_has_a_receipt_and_verify_counts_them(signed: Dsns) -> None:
    proof = await proven(signed.books)
    receipts = await receipts_of(signed.books)
    assert receipts[:2] == [None, None]
    claims = [verify_receipt(receipt, KEY.id) for receipt in receipts if receipt is not None]
    assert len(claims) == proof.receipts == PAYMENTS + 1
    assert {claim["request"][2] for claim in claims[1:]} == {f"k{n}" for n in range(PAYMENTS)}
    assert any(receipt is not None and receipt.size > 1 for receipt in receipts)
    assert proof.batches < proof.seq


async def test_what_is_answered_is_the_receipt_that_is_found_later(dsns: Dsns) -> None:
    async with signing(dsns.books) as journal:
        done = await asyncio.gather(*(journal.commit(credited(ALICE, n)) for n in range(1, 8)))
        for committed in done:
            assert committed.receipt is not None
            told = committed.receipt()
            async with connected(dsns.books) as connection:
                assert told == await find_receipt(connection, committed.seq)
            assert told is not None
            assert verify_receipt(told, KEY.id)["result"] == dict(committed.result)


BATCHES = {
    "a root": ("another root", "UPDATE journal_batches SET root = sha256(root) WHERE last_seq = {last}"),
    "a signature": (
        "not signed by",
        "UPDATE journal_batches SET signature = sha512(signature) WHERE last_seq = {last}",
    ),
    "a key": ("not signed by", f"UPDATE journal_batches SET key = '{STOLEN_NAME.id}' WHERE last_seq = {{last}}"),
    "a key that is none": ("not signed by", "UPDATE journal_batches SET key = 'x' WHERE last_seq = {last}"),
    "a time": ("another time", "UPDATE journal_batches SET at = at + interval '1 second' WHERE last_seq = {last}"),
    "an end": ("another root", "UPDATE journal_batches SET last_seq = last_seq - 1 WHERE last_seq = {last}"),
    "an end beyond the head": (
        "ends with",
        "UPDATE journal_batches SET last_seq = last_seq + 1 WHERE last_seq = {last}",
    ),
    "a start": ("no batch", "UPDATE journal_batches SET first_seq = first_seq + 1 WHERE last_seq = {last}"),
    "one deleted": ("no batch", "DELETE FROM journal_batches WHERE last_seq = {last}"),
    "the first deleted": ("journal row 1 is in no batch", "DELETE FROM journal_batches WHERE last_seq = 1"),
    "all deleted": ("journal row 1 is in no batch", "DELETE FROM journal_batches"),
    "a signature taken off": (
        "is not signed",
        "UPDATE journal_batches SET root = NULL, key = NULL, signature = NULL WHERE last_seq = {last}",
    ),
    "one invented": (
        "ends with",
        "INSERT INTO journal_batches SELECT last_seq + 1, last_seq + 1, at FROM journal_batches WHERE last_seq = {last}",
    ),
    "a key taken out of the list": ("journal_keys", "DELETE FROM journal_keys"),
}


@pytest.mark.parametrize("what", BATCHES)
async def test_aud_01_a_batch_that_was_changed_is_found(signed: Dsns, what: str) -> None:
    said, sql = BATCHES[what]
    async with connected(signed.owner) as connection:
        undone = connection.transaction(isolation="repeatable_read")
        await undone.start()
        try:
            await connection.execute("ALTER TABLE journal_batches DISABLE TRIGGER USER")
            last = await connection.fetchval("SELECT max(last_seq) FROM journal_batches")
            status = await connection.execute(sql.format(last=last))
            assert not status.endswith(" 0")
            with pytest.raises(BooksBroken, match=said):
                await verify(connection)
        finally:
            await undone.rollback()


async def rewritten(signed: Dsns, seq: int, key: str) -> Proof | str:
    """What verify says after everything from a row on was written anew, by somebody with this key, or none."""
    keys = {"none": None, "the node's": KEY, "another": STOLEN_NAME}
    async with connected(signed.owner) as connection:
        undone = connection.transaction(isolation="repeatable_read")
        await undone.start()
        try:
            await write_anew(connection, seq, '"kind":"payment.sent"', '"kind":"payment.sent "', keys[key])
            await connection.execute("UPDATE journal SET kind = 'payment.sent ' WHERE seq = $1", seq)
            return await verify(connection)
        except BooksBroken as broken:
            return str(broken)
        finally:
            await undone.rollback()


async def test_aud_01_a_chain_that_was_written_anew_lacks_the_signatures(signed: Dsns) -> None:
    assert "has another root" in str(await rewritten(signed, 5, "none"))
    assert "is not listed" in str(await rewritten(signed, 5, "another"))


async def test_aud_06_an_operator_who_rewrites_with_the_key_itself_is_convicted_by_a_receipt(signed: Dsns) -> None:
    receipt = (await receipts_of(signed.books))[4]
    assert receipt is not None
    found = await check_in_journal(signed, receipt)
    assert (found.in_journal, found.known_key) == (True, True)
    assert isinstance(await rewritten(signed, 5, "the node's"), Proof)  # the books alone do not tell
    async with connected(signed.owner) as connection:
        try:
            await write_anew(connection, 5, '"kind":"payment.sent"', '"kind":"payment.sent "', KEY)
            assert verify_receipt(receipt, KEY.id)  # it still proves what it proved
            assert not (await check_in_journal(signed, receipt)).in_journal
        finally:
            await write_anew(connection, 5, '"kind":"payment.sent "', '"kind":"payment.sent"', KEY)
            for table in ("journal", "journal_batches"):
                await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    assert (await check_in_journal(signed, receipt)).in_journal
    assert (await proven(signed.books)).receipts == PAYMENTS + 1


async def test_a_receipt_is_never_made_of_rows_that_were_changed(signed: Dsns) -> None:
    async with connected(signed.owner) as connection:
        undone = connection.transaction()
        await undone.start()
        try:
            await connection.execute("ALTER TABLE journal DISABLE TRIGGER USER")
            await connection.execute("UPDATE journal SET hash = sha256(hash) WHERE seq = 5")
            with pytest.raises(BatchBroken):
                await find_receipt(connection, 5)
        finally:
            await undone.rollback()
