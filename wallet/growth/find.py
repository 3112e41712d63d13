"""Look at a bounded number of addresses, and write down what grew there and what no tx explains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from wallet.context import Context, Record
from wallet.deposits.cursor import read_cursor
from wallet.deposits.detect import record_block
from wallet.deposits.move import moved
from wallet.deposits.states import ORPHANED, QUARANTINED
from wallet.errors import Stale
from wallet.growth.flows import Flows, Place, read_flows, shown_growth
from wallet.growth.identity import DOUBT, LEFT_AGAIN, growth_identity
from wallet.growth.passes import Pass, current_pass, next_page, save_pass
from wallet.journal.change import EventKind
from wallet.money import Amount
from wallet.networks.open import start_height
from wallet.points import point
from wallet.ports import Block, BlockRef, BlockVanished, Incoming, Network
from wallet.ports.balances import Balances

PAGE_SIZE = 1_000  # addresses a step: ten million are looked at in some three hours of steps, one a second

_log = structlog.get_logger("growth")


async def find_growth(context: Context, network: Network, final: BlockRef | None) -> None:
    """One step. Repeatable: what was written down before is part of the sum. Where the network does not tell the state of its
    newest final block, growth waits and stops nothing else. Raises the network's other errors."""
    if not isinstance(network, Balances):
        return
    cursor = await read_cursor(context, network.id)
    if final is None or cursor is None:
        return
    at = final if final.height <= cursor.height else cursor
    now = await current_pass(context, network.id, at)
    if now is None:
        return
    page = await next_page(context, network.id, now.last, PAGE_SIZE)
    addresses = [row["address"] for row in page]
    try:
        held = await network.balances(addresses, now.to) if addresses else {}
    except BlockVanished as gone:
        if now.to == at:
            _log.warning("growth_waits", network=network.id, reason=str(gone))
            return
        now = now.moved(at)
        held = await network.balances(addresses, now.to)
    seen = frozenset(row["address"] for row in page if row["id"] <= now.seen_to)
    if addresses:
        await _look(context, network, _Look(network, now, seen), addresses, held)
    point("growth.before_pass")
    last = page[-1]["id"] if page else now.last
    await save_pass(context, network.id, replace(now, last=last, done=len(page) < PAGE_SIZE))


@dataclass(frozen=True, slots=True)
class _Look:
    """`seen` are the addresses that the pass before has looked at: whatever was unexplained there then is written down."""

    telling: Balances
    now: Pass
    seen: frozenset[str]


async def _look(
    context: Context, network: Network, look: _Look, addresses: Sequence[str], held: Mapping[str, Mapping[str, int]]
) -> None:
    now = look.now
    holding = {address for there in held.values() for address in there}
    asked = holding | await shown_growth(context, network.id, addresses)
    if not asked:
        return
    flows = await read_flows(context, network.id, asked)
    explained, busy = flows.until(now.to.height), flows.busy(now.to.height)
    for listing in network.listings:
        symbol = listing.asset.symbol
        for address in sorted(asked - busy):
            place = (symbol, address)
            units = held.get(symbol, {}).get(address, 0) - explained.get(place, 0)
            if any(row["height"] >= now.to.height for row in flows.growths(place)):
                continue  # somebody has looked there at a newer block
            if listing.contract is not None:
                await _show(context, network, now, flows, place, units)
            elif units > 0:
                await _grew(context, network, look, flows, place, units)


async def _grew(context: Context, network: Network, look: _Look, flows: Flows, place: Place, units: int) -> None:
    """The network's own asset. What was unexplained at the beginning already did not grow: it is from before these books, or
    nobody can tell, and it is nobody's until a person says whose."""
    last = next((int(row["height"]) for row in reversed(flows.growths(place))), 0)
    start, before = await _beginning(context, network, look, flows, place, last)
    before = units if before is None else before
    grown = units - max(before, 0)
    if before > 0 and (start == last or grown <= 0):
        await _record(context, network, look.now, place, units, last, "unattributed")
        return
    if before > 0:
        await _record(context, network, look.now, place, before, last, "unattributed")
    await _record(context, network, look.now, place, grown, start, None)


async def _beginning(
    context: Context, network: Network, look: _Look, flows: Flows, place: Place, last: int
) -> tuple[int, int | None]:
    """The height after which it grew, and what was unexplained there: nothing where the pass before has looked. Elsewhere the
    network is asked, as far back as it remembers; None where it does not."""
    recent = max(last, look.now.height_from)
    if place[1] in look.seen:
        return recent, 0
    for start in sorted({last or await start_height(context, network.id) - 1, recent}):
        before = await _unexplained(network, look.telling, flows, place, start)
        if before is not None:
            return start, before
    return last, None


async def _unexplained(network: Network, telling: Balances, flows: Flows, place: Place, height: int) -> int | None:
    """None where the network does not tell the state of that block any more."""
    symbol, address = place
    try:
        ref = await network.block_ref(height)
        held = await telling.balances([address], ref) if ref is not None else None
    except BlockVanished:
        return None
    return None if held is None else held.get(symbol, {}).get(address, 0) - flows.until(height).get(place, 0)


async def _show(context: Context, network: Network, now: Pass, flows: Flows, place: Place, units: int) -> None:
    """A token's: one row for each place, which says what is there now."""
    growths = flows.growths(place)
    shown = next((row for row in growths if _is_shown(row)), None)
    if units <= 0:
        await _hide(context, shown)
    elif shown is None or shown["units"] != units:
        last = max((int(row["height"]) for row in growths if not _is_shown(row)), default=0)
        await _record(context, network, now, place, units, last, DOUBT)


def _is_shown(row: Mapping[str, object]) -> bool:
    return (row["state"], row["reason"]) == (QUARANTINED, DOUBT)


async def _hide(context: Context, shown: Record | None) -> None:
    """Nobody waits for it any more. If it grows again, it is seen again under the same identity."""
    if shown is None:
        return
    values = {"state": ORPHANED, "reason": LEFT_AGAIN, "height": None, "block": None}
    try:
        await context.journal.commit(await moved(context, shown, EventKind.DEPOSIT_ORPHANED, values))
    except Stale:
        return  # a person or another worker was faster: the next look sees how it stands


async def _record(
    context: Context, network: Network, now: Pass, place: Place, units: int, start: int, doubt: str | None
) -> None:
    symbol, address = place
    identity = growth_identity(symbol, address, start)
    amount = Amount(units, context.asset(symbol))
    arrival = Incoming(identity, address, amount, now.to.id, doubt=doubt)
    block = Block(now.to.height, now.to.id, "", context.clock.now(), (arrival,))
    await record_block(context, network, block)
    tell = _log.info if doubt is None else _log.warning
    tell("balance_grew", network=network.id, asset=symbol, address=address, units=str(units), doubt=doubt)
