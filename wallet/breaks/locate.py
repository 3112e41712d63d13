"""Where a break lies: each of our addresses (or the bank account), what the books expect there and what the network states."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import or_, select

from wallet import schema
from wallet.addresses.in_use import in_use
from wallet.context import Context
from wallet.deposits.states import BOOKED, ORPHANED, UPROOTED
from wallet.ids import NetworkId
from wallet.ledger.holdings import Holding
from wallet.ledger.reconcile import scanned
from wallet.money import format_units
from wallet.ports import UNPROVEN_DOUBTS, Network, Purpose, Source
from wallet.treasury.sources import house_address
from wallet.treasury.states import State

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Location:
    """One place, in base units. `kind` is hot or deposit."""

    address: str
    kind: str
    expected: int
    observed: int

    @property
    def difference(self) -> int:
        return self.observed - self.expected

    def view(self, decimals: int) -> dict[str, str]:
        names = ("expected", "observed", "difference")
        figures = {name: format_units(getattr(self, name), decimals) for name in names}
        return {"address": self.address, "kind": self.kind, **figures}


async def locate(context: Context, network: Network, whole: Holding, progress: Progress) -> list[Location]:
    """The places that differ, the hot one first. Raises the network's errors. A bank account is one place."""
    hot = (await house_address(context, network.id)).address
    if network.capabilities.source is Source.FILE:
        return [Location(hot, "hot", whole.booked - whole.explained, whole.observed)]
    expected = await _expected(context, network, whole.asset)
    places = sorted(await in_use(context, network.id) | set(expected), key=lambda place: (place != hot, place))
    cursor, found = await scanned(context, network), []
    for done, place in enumerate(places, start=1):
        observed = (await network.observe([place], cursor)).units.get(whole.asset, 0)
        location = Location(place, "hot" if place == hot else "deposit", expected[place], observed)
        found += [location] if location.difference else []
        progress(done, len(places))
    return found


async def _expected(context: Context, network: Network, asset: str) -> Counter[str]:
    if network.capabilities.source is Source.UTXO:
        return await _expected_coins(context, network.id)
    return await _expected_flows(context, network.id, asset)


async def _expected_coins(context: Context, network: NetworkId) -> Counter[str]:
    """Where coins lie, the unspent ones of the books and what has arrived and is not credited."""
    coins, deposits = schema.utxos, schema.deposits
    there: Counter[str] = Counter()
    for row in await context.all(
        select(coins).where(coins.c.network == network, coins.c.state.not_in(("spent", "gone")))
    ):
        there[row["address"]] += row["units"]
    waiting = select(deposits).where(deposits.c.network == network, deposits.c.state.not_in(BOOKED))
    for row in await context.all(waiting.where(deposits.c.height.is_not(None), deposits.c.address.is_not(None))):
        there[row["address"]] += row["units"]
    return there


async def _expected_flows(context: Context, network: NetworkId, asset: str) -> Counter[str]:
    """All that ever arrived at an address less all that was ever sent from it and its fees, as the books have it."""
    there: Counter[str] = Counter()
    deposits, sent = schema.deposits, schema.submissions
    arrived = select(deposits).where(deposits.c.network == network, deposits.c.asset == asset)
    for row in await context.all(
        arrived.where(deposits.c.height.is_not(None), deposits.c.state.not_in((ORPHANED, UPROOTED)))
    ):
        if row["address"] is not None and row["reason"] not in UNPROVEN_DOUBTS:
            there[row["address"]] += row["units"]
    ours = select(sent).where(sent.c.network == network, or_(sent.c.asset == asset, sent.c.fee_asset == asset))
    for row in await context.all(ours.where(sent.c.state.in_((State.INCLUDED, State.FINAL, State.DEAD)))):
        _apply(there, row, asset)
    return there


def _apply(there: Counter[str], row: Mapping[str, object], asset: str) -> None:
    """What was included moved its value and cost its fee; what was included and reverted cost its fee alone."""
    units, fee_paid, fee_max = (int(str(row[name] or 0)) for name in ("units", "fee_paid", "fee_max"))
    source, target = str(row["source"]), row["target"]
    if row["fee_asset"] == asset:
        there[source] -= fee_max if row["state"] == State.INCLUDED else fee_paid
    if row["asset"] == asset and row["state"] != State.DEAD:
        there[source] -= units
        if row["purpose"] in (Purpose.SWEEP, Purpose.GAS_FUNDING, Purpose.ROTATION) and target is not None:
            there[str(target)] += units
