"""A platform brings its customers by the thousand: broken off anywhere and begun again, each is there once."""

import asyncio

import pytest

from node.database import Dsns
from tests.fakes.world import BITCOIN, SEPA, World
from tests.integration.wallet.changes import connected, proven
from wallet.customers.sub_accounts import BATCH_MAX, Standing, Wanted, create_sub_accounts


async def test_a_run_that_is_broken_off_and_begun_again_makes_each_once(dsns: Dsns, world: World) -> None:
    await _bring(dsns, world, customers=2_000, batch=200)


@pytest.mark.whole
async def test_a_hundred_thousand_customers_with_addresses(dsns: Dsns, world: World) -> None:
    await _bring(dsns, world, customers=100_000, batch=BATCH_MAX)


async def _bring(dsns: Dsns, world: World, *, customers: int, batch: int) -> None:
    """The first run is broken off in its middle, with batches under way; the second names everybody again."""
    platform = await world.customer("platform")
    wanted = [Wanted(f"customer-{number}", (BITCOIN, SEPA)) for number in range(customers)]
    batches = [wanted[start : start + batch] for start in range(0, customers, batch)]

    async def make(batch: list[Wanted]) -> list[Standing]:
        return await create_sub_accounts(world.context, "test", platform, batch)

    half = len(batches) // 2
    for done in batches[:half]:
        await make(done)
    cut = [asyncio.create_task(make(batch)) for batch in batches[half - 1 : half + 3]]
    await asyncio.wait(cut, return_when=asyncio.FIRST_COMPLETED)
    assert [task.cancel() for task in cut].count(True) > 0, "nothing was under way"
    await asyncio.gather(*cut, return_exceptions=True)

    first = [standing for batch in batches for standing in await make(batch)]
    again = [standing for batch in batches for standing in await make(batch)]
    assert [s.customer["reference"] for s in first] == [item.reference for item in wanted]
    assert [(s.customer["id"], s.addresses) for s in again] == [(s.customer["id"], s.addresses) for s in first]
    assert not any(standing.created for standing in [*first[: half * batch], *again])
    assert len({address["address"] for standing in first for address in standing.addresses}) == 2 * customers
    async with connected(dsns.books) as connection:
        assert await connection.fetchval("SELECT count(*) FROM customers WHERE platform = $1", platform) == customers
        assert await connection.fetchval("SELECT count(*) FROM addresses WHERE owner <> 'house'") == 2 * customers
        counters = await connection.fetch("SELECT next FROM derivations WHERE id LIKE '%/deposit'")
    assert {row["next"] for row in counters} == {customers}
    await proven(dsns.books)
