"""Where a block of the books is not, letter by letter, what was expected: the closer look names what is wrong, and no more."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
import pytest
from msgspec import structs

from node.database import Dsns
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
)
from tests.integration.wallet.journal.sealing import write_anew
from wallet.ids import CustomerId, VaultItemId
from wallet.journal import Change, EventKind, Journal
from wallet.journal.change import FlagChange
from wallet.ledger.accounts import Account, Flags
from wallet.proofs.seals import BatchRow, BlockSeal, HereSealer
from wallet.proofs.verify import BooksBroken, Proof, verify
from wallet.vault.items import ItemKind, SealedItem

ODD = CustomerId("cus_a\\b")  # COPY writes a backslash as two
PAUSED_WITH_A_PAYMENT = structs.replace(paid(ALICE, BOB, 5), writes=paused(1, "look").writes)


async def test_names_that_copy_spells_otherwise_are_no_difference(dsns: Dsns) -> None:
    """Of accounts that nothing moved yet, of people, requests and viewers."""
    async with running(dsns.books) as journal:
        await journal.commit(credited(ALICE, 100))
        frozen = FlagChange(Account(ODD, "balance", EUR), Flags.NO_OVERDRAFT | Flags.FROZEN)
        item = SealedItem(VaultItemId("vlt_a\\b"), ODD, ItemKind.NAME, b"sealed", bytes(32))
        change = Change(ODD, EventKind.CUSTOMER_FROZEN, {}, flags=(frozen,), vault=(item,), viewers=(ODD,))
        await journal.commit(structs.replace(change, request=request(ODD, "k")))
        await journal.commit(paid(ALICE, BOB, 1, key="k"))
    assert (await proven(dsns.books)).seq == 3


async def test_a_hold_with_a_name_that_none_can_have_is_named(dsns: Dsns) -> None:
    """Its line could be taken for another's."""
    async with running(dsns.books) as journal:
        await journal.commit(credited(ALICE, 100))
        await journal.commit(held(ALICE, 5, "hld\tone"))
    with pytest.raises(
        BooksBroken, match=r"^transfer 0 of journal row 2 has a name that no account, asset or hold can"
    ):
        await proven(dsns.books)


@asynccontextmanager
async def rewritten(dsns: Dsns, seq: int, old: str, new: str) -> AsyncIterator[asyncpg.Connection]:
    """By somebody who makes every hash right again, and has every right on the database."""
    async with running(dsns.books) as journal:
        for change in (listed(), credited(ALICE, 100), PAUSED_WITH_A_PAYMENT, paid(ALICE, BOB, 10)):
            await journal.commit(change)
    async with connected(dsns.owner) as owner:
        await owner.execute("ALTER TABLE transfers DISABLE TRIGGER USER")
        await write_anew(owner, seq, old, new)
        yield owner


BODIES = {
    "an update out of order": (3, '"version":2', '"version":3', "journal row 3 updates assets EUR out of order"),
    "an update of nothing": (3, '"id":"EUR"', '"id":"USD"', "journal row 3 updates assets USD out of order"),
    "a second insert": (
        3,
        '["update","assets",{',
        '["insert","assets",{',
        "journal row 3 inserts assets EUR a second time",
    ),
    "no vault": (3, '"vault":[]', '"vault":{}', "journal row 3 cannot be read: "),
}


@pytest.mark.parametrize("what", BODIES)
async def test_aud_01_a_body_written_anew_that_does_not_follow_is_named(dsns: Dsns, what: str) -> None:
    seq, old, new, words = BODIES[what]
    async with rewritten(dsns, seq, old, new):
        with pytest.raises(BooksBroken, match=f"^{words}"):
            await proven(dsns.books)


async def test_aud_01_a_transfer_across_two_assets_shows_in_the_sum_of_each(dsns: Dsns) -> None:
    """Journal, transfers and accounts agree with each other: euros went and dollars came."""
    other, asset = "cus_bob:balance:USD", '"cus_bob:balance:EUR","EUR","10"'
    async with rewritten(dsns, 4, asset, asset.replace("balance:EUR", "balance:USD")) as owner:
        await owner.execute("UPDATE transfers SET credit_account = $1, credit_posted_after = 10 WHERE seq = 4", other)
        await owner.execute("UPDATE accounts SET credits_posted = 5 WHERE id = 'cus_bob:balance:EUR'")
        await owner.execute("INSERT INTO accounts VALUES ($1, 'cus_bob', 'balance', 'USD', 0, 0, 0, 10, 1)", other)
        with pytest.raises(BooksBroken, match=r"^EUR: all accounts together come to -10 base units instead of 0$"):
            await proven(dsns.books)


async def test_a_difference_that_the_closer_look_does_not_find_again_is_no_proof(
    dsns: Dsns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody changed a transfer, and changed it back between two looks."""

    async def finds_nothing(*_arguments: object) -> None:
        return

    async with running(dsns.books) as journal:
        await journal.commit(credited(ALICE, 100))
    monkeypatch.setattr("wallet.proofs.verify.name_bad_transfer", finds_nothing)
    async with connected(dsns.owner) as owner:
        await owner.execute("ALTER TABLE transfers DISABLE TRIGGER USER; UPDATE transfers SET units = units + 1")
    with pytest.raises(BooksBroken, match=r"^transfers of journal rows 1 to 1 differed from the journal"):
        await proven(dsns.books)


async def test_room_for_requests_that_is_not_of_days_is_named(dsns: Dsns) -> None:
    async with connected(dsns.owner) as owner:
        await owner.execute("CREATE TABLE requests_odd PARTITION OF requests DEFAULT")
    with pytest.raises(BooksBroken, match=r"^requests has a part that is not of days: DEFAULT$"):
        await proven(dsns.books)


class WritesOn(HereSealer):
    """While the first blocks are sealed, the node goes on."""

    def __init__(self, journal: Journal, rounds: int) -> None:
        super().__init__()
        self._journal, self.left = journal, rounds
        self._in_order = asyncio.Lock()

    async def take(self, journal: bytes, batches: Sequence[BatchRow]) -> BlockSeal:
        async with self._in_order:
            if self.left:
                self.left -= 1
                for _ in range(5):
                    await self._journal.commit(paid(ALICE, BOB, 1))
            return await super().take(journal, batches)


async def test_a_journal_that_grows_while_it_is_proven_is_proven_to_its_end(
    dsns: Dsns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables are compared only when few rows are left to read: what was written meanwhile is walked first."""
    monkeypatch.setattr("wallet.proofs.verify.CHUNK", 3)
    told: list[tuple[int, int]] = []
    async with running(dsns.books) as journal, connected(dsns.books) as connection:
        await journal.commit(credited(ALICE, 100))
        await journal.commit(paid(ALICE, BOB, 1))
        sealer = WritesOn(journal, 4)
        proof: Proof = await verify(connection, lambda done, of: told.append((done, of)), sealer=sealer)
        assert sealer.left == 0
        assert (proof.seq, proof.transfers) == (22, 22)
        assert told == sorted(told)
        assert {(2, 2), (22, 22)} <= set(told)
        assert await verify(connection) == proof
