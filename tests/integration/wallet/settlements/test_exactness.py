"""Trades by the thousand between customers of one platform: every asset's sum stays what came in, to the last unit."""

import asyncio
import random
from collections import Counter

import pytest

from node.database import Dsns
from tests.fakes.world import BTC, DUSD, ETH, EUR, SEPA, World
from tests.integration.wallet.changes import connected, proven
from wallet.batches.commit import Outcome
from wallet.errors import InsufficientFunds
from wallet.ids import CustomerId
from wallet.journal import Change, EventKind, Request
from wallet.journal.change import Committed
from wallet.ledger import templates
from wallet.money import Amount, Asset
from wallet.settlements.legs import Leg, Place
from wallet.settlements.post import BATCH_MAX, SettlementDraft, post_settlements

PLATFORM = CustomerId("cus_platform")
TRADERS = [CustomerId(f"cus_trader{number}") for number in range(12)]
ASSETS = (EUR, BTC, ETH, DUSD)
FUNDED = {EUR: 10**7 + 1, BTC: 10**9 + 7, ETH: 10**60 + 11, DUSD: 10**12 + 39}
Books = dict[tuple[str, Asset], int]


async def test_thousands_of_trades_leave_every_sum_exact(dsns: Dsns, world: World) -> None:
    await _trade(dsns, world, trades=4_000, seed=1)


@pytest.mark.whole
async def test_a_hundred_thousand_trades_leave_every_sum_exact(dsns: Dsns, world: World) -> None:
    await _trade(dsns, world, trades=100_000, seed=2)


async def _trade(dsns: Dsns, world: World, *, trades: int, seed: int) -> None:
    """Batches that run side by side, against books kept here by nothing but sums of what was accepted."""
    draws = random.Random(seed)
    expected = await _funded(world)
    outcomes: Counter[str] = Counter()
    drafts = [_draft(draws, number) for number in range(trades)]
    batches = [drafts[start : start + BATCH_MAX] for start in range(0, trades, BATCH_MAX)]
    for start in range(0, len(batches), 4):
        side_by_side = batches[start : start + 4]
        ends = await asyncio.gather(*[post_settlements(world.context, "test", batch) for batch in side_by_side])
        for batch, end in zip(side_by_side, ends, strict=True):
            for draft, outcome in zip(batch, end, strict=True):
                _follow(expected, draft, outcome, outcomes)
    assert outcomes["accepted"] > trades // 4
    assert outcomes["refused"] > trades // 100, "no trade was uncovered: the draws are too small"
    assert await _posted(dsns) == {key: units for key, units in expected.items() if units}
    async with connected(dsns.books) as connection:
        assert await connection.fetchval("SELECT count(*) FROM settlements") == outcomes["accepted"]
    await proven(dsns.books)


async def _funded(world: World) -> Books:
    books: Books = {}
    for owner in TRADERS:
        for asset, units in FUNDED.items():
            entry = templates.deposit_credited(owner, SEPA, Amount(units, asset), swept_later=False)
            await world.context.journal.commit(Change("test", EventKind.DEPOSIT_CREDITED, {}, entry=entry))
            books[owner, asset] = units
    return books


def _draft(draws: random.Random, number: int) -> SettlementDraft:
    """Two to five legs: a swap, a fee, a mark-up, sometimes a third party; now and then far more than anybody has."""
    ann, ben, third = draws.sample(TRADERS, 3)
    gives, gets = draws.sample(ASSETS, 2)
    fees, markup = Place(PLATFORM, "fees"), Place(PLATFORM, "markup")
    legs = [_leg(draws, _balance(ann), _balance(ben), gives), _leg(draws, _balance(ben), _balance(ann), gets)]
    if draws.random() < 0.8:
        legs.append(Leg(_balance(ann), fees, Amount(draws.randint(1, 9), gets)))
    if draws.random() < 0.3:
        legs.append(Leg(_balance(ben), markup, Amount(draws.randint(1, 9), gives)))
    if draws.random() < 0.2:
        legs.append(_leg(draws, _balance(third), _balance(ann), gives))
    request = Request(PLATFORM, "settlement.post", f"trade-{number}", b"test")
    return SettlementDraft(PLATFORM, tuple(legs), f"trade-{number}", request)


def _balance(owner: CustomerId) -> Place:
    return Place(owner, "balance")


def _leg(draws: random.Random, source: Place, target: Place, asset: Asset) -> Leg:
    most = FUNDED[asset] * 3 if draws.random() < 0.02 else FUNDED[asset] // 4
    return Leg(source, target, Amount(draws.randint(1, most), asset))


def _follow(books: Books, draft: SettlementDraft, outcome: Outcome, outcomes: Counter[str]) -> None:
    if isinstance(outcome, InsufficientFunds):
        outcomes["refused"] += 1
        return
    assert isinstance(outcome, Committed), outcome
    outcomes["accepted"] += 1
    for leg in draft.legs:
        asset = leg.amount.asset
        for place, sign in ((leg.source, -1), (leg.target, 1)):
            assert isinstance(place, Place)
            owner = place.owner if place.code == "balance" else place.code
            books[owner, asset] = books.get((owner, asset), 0) + sign * leg.amount.units


async def _posted(dsns: Dsns) -> Books:
    """Every account of customers and of the platform; and each asset's sum over all accounts is zero."""
    async with connected(dsns.books) as connection:
        rows = await connection.fetch(
            "SELECT owner, code, asset, credits_posted - debits_posted AS units FROM accounts WHERE code <> 'hot@sepa'"
        )
        for total in await connection.fetch(
            "SELECT sum(credits_posted - debits_posted) AS sum FROM accounts GROUP BY asset"
        ):
            assert total["sum"] == 0
    by_symbol = {asset.symbol: asset for asset in ASSETS}
    owners = {row["code"] if row["code"] in ("fees", "markup") else row["owner"] for row in rows}
    assert owners <= {*TRADERS, "fees", "markup"}
    return {
        (row["code"] if row["code"] in ("fees", "markup") else row["owner"], by_symbol[row["asset"]]): int(row["units"])
        for row in rows
        if row["units"]
    }
