"""AUD-01: somebody with every right on the database changes one thing. Replaying the journal names the first bad place."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from node.database import Dsns
from tests.databases import FreshDatabases
from tests.integration.wallet.changes import (
    ALICE,
    BOB,
    EUR,
    connected,
    credited,
    held,
    listed,
    paid,
    paused,
    proven,
    request,
    running,
    settled,
)
from tests.integration.wallet.proofs.tamperings import TAMPERINGS, Tampering
from wallet.ids import VaultItemId
from wallet.journal import Change, EventKind, Insert
from wallet.journal.change import FlagChange
from wallet.ledger.accounts import Flags, customer_balance
from wallet.proofs.verify import BooksBroken, verify
from wallet.vault.items import ItemKind, SealedItem

A_DAY = datetime(2026, 11, 22, tzinfo=UTC)
FROZEN = FlagChange(customer_balance(BOB, EUR), Flags.NO_OVERDRAFT | Flags.FROZEN)
WORK = (
    listed(),  # 1
    credited(ALICE, 1000),  # 2
    paid(ALICE, BOB, 10, key="k"),  # 3
    held(ALICE, 300, "hld_one"),  # 4
    settled(ALICE, 100, "hld_one"),  # 5
    paused(1, "look"),  # 6
    Change(
        "node",
        EventKind.CUSTOMER_CREATED,
        {"id": ALICE},
        writes=(
            Insert(
                "customers",
                {"id": ALICE, "handle": "alice", "name_item": "vlt_one", "email_item": None, "created_at": A_DAY},
            ),
        ),
        vault=(SealedItem(VaultItemId("vlt_one"), ALICE, ItemKind.NAME, b"sealed", bytes(32)),),
    ),  # 7
    Change("operator", EventKind.CUSTOMER_FROZEN, {"id": BOB}, flags=(FROZEN,), viewers=(BOB,)),  # 8
    replace(paid(ALICE, BOB, 5), request=request(ALICE, "k2")),  # 9
)


@pytest.fixture(scope="module")
async def worked(databases: FreshDatabases) -> AsyncIterator[Dsns]:
    """One database; each tampering is rolled back."""
    dsns = await databases.migrated()
    async with running(dsns.books) as journal:
        for change in WORK:
            await journal.commit(change)
    yield dsns
    assert (await proven(dsns.books)).seq == len(WORK)
    await databases.drop(dsns.owner)


@pytest.mark.parametrize(
    "tampering", [pytest.param(one, id=f"{where}: {one.what}") for where, each in TAMPERINGS.items() for one in each]
)
async def test_aud_01_tampering_is_found_and_its_place_named(worked: Dsns, tampering: Tampering) -> None:
    async with connected(worked.owner) as connection:
        undone = connection.transaction(isolation="repeatable_read")
        await undone.start()
        try:
            for table in ("journal", "transfers"):
                await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            await connection.execute(tampering.sql)
            with pytest.raises(BooksBroken, match=rf"\b{tampering.place}\b"):
                await verify(connection)
        finally:
            await undone.rollback()


async def test_aud_01_personal_data_may_be_erased_without_breaking_the_proof(worked: Dsns) -> None:
    async with connected(worked.ops) as connection:
        await connection.execute("UPDATE vault_items SET ciphertext = NULL")
    assert (await proven(worked.books)).seq == len(WORK)
