"""The address book knows each address from the moment it was handed out, whoever did it, and however many there are."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from node.compose import make_reading_engine
from node.database import Dsns
from tests.fakes.world import BITCOIN, ETHEREUM, World
from tests.integration.wallet.changes import connected
from wallet.addresses import book as book_module
from wallet.addresses.assign import assign_address, new_address
from wallet.addresses.book import StoredAddressBook
from wallet.addresses.reserve import reserve_addresses
from wallet.ports import Branch

PROCESSES, EACH = 2, 100
WITHIN_S = 60.0


@pytest.fixture
async def book(dsns: Dsns) -> AsyncIterator[StoredAddressBook]:
    reads = make_reading_engine(dsns.books)
    yield StoredAddressBook(reads)
    await reads.dispose()


@asynccontextmanager
async def handing_out(dsns: Dsns, folder: Path, name: str) -> AsyncIterator[asyncio.StreamReader]:
    """Another process; the addresses as it tells of them."""
    module = "tests.integration.wallet.addresses.handing_out"
    command = (sys.executable, "-m", module, dsns.books, dsns.ops, str(folder), name, str(EACH))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield process.stdout
        assert await asyncio.wait_for(process.wait(), WITHIN_S) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_dpb_08_an_address_is_known_from_the_moment_that_another_process_hands_it_out(
    dsns: Dsns, world: World, book: StoredAddressBook, tmp_path: Path
) -> None:
    """Processes say which addresses are durable; at that moment, not a look later, the book must know them: payers have no
    slower way to learn of one. Beside it, what the book rests on: no row appears behind one that was seen before."""

    async def watch(name: str) -> int:
        seen = 0
        async with handing_out(dsns, tmp_path, name) as told:
            while line := await told.readline():
                address = line.decode().strip()
                assert await book.known(BITCOIN, [address, "stranger"]) == {address}
                seen += 1
        return seen

    assert await book.known(BITCOIN, ["stranger"]) == frozenset()  # loaded before any of it
    working = asyncio.gather(*(watch(f"process_{number}") for number in range(PROCESSES)))
    steps = await _seen_in_order(dsns, working)
    assert await working == [EACH] * PROCESSES
    assert steps > 20, "nothing was seen under way"


async def _seen_in_order(dsns: Dsns, working: "asyncio.Future[list[int]]") -> int:
    """In how many steps the places came."""
    seen, steps = {0}, 0
    async with connected(dsns.books) as connection:
        while not working.done():
            new = {row[0] for row in await connection.fetch("SELECT position FROM addresses")} - seen
            assert not new or min(new) > max(seen), f"{min(new)} was seen after {max(seen)}"
            steps += bool(new)
            seen |= new
    return steps


async def test_what_is_there_at_the_start_is_loaded_in_parts_and_what_comes_later_followed(
    world: World, book: StoredAddressBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_module, "LOADED_AT_ONCE", 7)
    monkeypatch.setattr(book_module, "FOLLOWED_AT_ONCE", 3)
    owner = await world.customer("alice")

    async def some(count: int) -> set[str]:
        return {
            str((await new_address(world.context, "test", owner, BITCOIN, None)).result["address"])
            for _ in range(count)
        }

    before = await some(23)
    assert await book.known(BITCOIN, [*before, "bitcoin-deposit-999"]) == before
    later = await some(8)
    assert await book.known(BITCOIN, {*before, *later}) == before | later
    assert await book.known(BITCOIN, ()) == frozenset()


async def test_a_reserved_address_is_nobodys_until_it_is_handed_out(world: World, book: StoredAddressBook) -> None:
    (reserved,) = await reserve_addresses(world.context, BITCOIN, Branch.DEPOSIT, 1)
    assert await book.known(BITCOIN, [reserved.address]) == frozenset()


async def test_case_does_not_matter_and_the_canonical_form_is_told(
    world: World, dsns: Dsns, book: StoredAddressBook
) -> None:
    mixed = "0x52908400098527886E0F7030069857D2E4169EE7"
    async with connected(dsns.owner) as connection:
        await connection.execute(
            "INSERT INTO addresses (id, version, network, address, path, owner, created_at)"
            " VALUES ('adr_1', 1, 'ethereum', $1, 'm', 'x', now())",
            mixed,
        )
    assert await book.known(ETHEREUM, [mixed.lower()]) == {mixed}
    assert await book.known(ETHEREUM, [mixed, mixed.upper()]) == {mixed}


async def test_questions_at_once_are_each_answered_as_of_their_own_moment(
    world: World, book: StoredAddressBook
) -> None:
    owner = await world.customer("alice")

    async def made_and_asked() -> bool:
        made = await new_address(world.context, "test", owner, BITCOIN, None)
        return bool(await book.known(BITCOIN, [str(made.result["address"])]))

    assert all(await asyncio.gather(*(made_and_asked() for _ in range(40))))


async def test_an_address_is_known_on_every_network_with_the_same_keys(world: World, book: StoredAddressBook) -> None:
    owner = await world.customer("alice")
    address = str((await assign_address(world.context, "test", owner, ETHEREUM))["address"])
    for network in world.networks:
        assert await book.known(network, [address]) == {address}
