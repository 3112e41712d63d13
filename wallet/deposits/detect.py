"""Write down what a block brought. The outside event is recorded first; whether to believe it is decided later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from msgspec import structs
from sqlalchemy import select

from wallet import schema
from wallet.addresses.owner import owner_elsewhere, owners_of_addresses
from wallet.assets.pause import pausing
from wallet.context import ACTOR_NODE, Context, Record
from wallet.customers.viewers import viewers_of
from wallet.deposits.move import moved
from wallet.deposits.returned import believed, find_returned
from wallet.deposits.states import (
    CREDITED,
    DETECTED,
    MOVABLE,
    ONE_PROVIDER,
    ORPHANED,
    QUARANTINED,
    UPROOTED,
    WRONG_NETWORK,
)
from wallet.deposits.view import deposit_view
from wallet.errors import AlreadyExists, Stale
from wallet.growth.covered import in_growth
from wallet.growth.identity import is_growth
from wallet.ids import DepositId
from wallet.journal.body import request_digest
from wallet.journal.change import Change, EventKind, Insert, Request, Update
from wallet.journal.recall import repeatable
from wallet.ledger import templates
from wallet.ledger.accounts import HOUSE
from wallet.money import format_units
from wallet.points import point
from wallet.ports import Block, Incoming, Network, Outgoing, Reversal
from wallet.strays.find import strays_by_identity
from wallet.strays.record import record_strays
from wallet.strays.states import GONE_BACK
from wallet.strays.states import MOVABLE as MOVABLE_STRAYS
from wallet.strays.states import State as StrayState
from wallet.together import together
from wallet.treasury.coins import found_coin
from wallet.treasury.variants import sent_as
from wallet.vault.items import ItemKind, PersonErased, SealedItem
from wallet.vault.vault import bank_person

AT_ONCE = 500  # arrivals of one block that are looked up and written together


async def record_block(context: Context, network: Network, block: Block) -> None:
    """Repeatable: a block recorded before, by this process or another, changes nothing."""
    arrived = await from_outside(context, network, block.incoming)
    for _, alike in groupby(
        arrived, lambda incoming: is_growth(incoming.identity)
    ):  # growth is judged by what came before
        some = list(alike)
        for first in range(0, len(some), AT_ONCE):
            await _record_some(context, network, block, some[first : first + AT_ONCE])
    for outgoing in block.outgoing:
        await _book_outflow(context, network, block, outgoing)
    await record_strays(context, network, block)


async def _record_some(context: Context, network: Network, block: Block, some: Sequence[Incoming]) -> None:
    """In the block's order, as one batch of the Journal where nobody is in the way."""
    known = await _known(context, network, some)
    owners = await owners_of_addresses(context, network.id, {each.address for each in some if each.address})
    await together(
        _record_incoming(context, network, block, each, known[each.identity], owners.get(each.address or ""))
        for each in some
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What the books have of an arrival: its deposit, and the stray that it was while its asset was not listed."""

    deposit: Record | None
    stray: Record | None


async def _known(context: Context, network: Network, some: Sequence[Incoming]) -> Mapping[str, _Known]:
    table = schema.deposits
    names = [each.identity for each in some]
    rows = await context.all(select(table).where(table.c.network == network.id, table.c.identity.in_(names)))
    deposits = {row["identity"]: row for row in rows}
    strays = await strays_by_identity(context, network.id, names)
    return {name: _Known(deposits.get(name), strays.get(name)) for name in names}


async def from_outside(context: Context, network: Network, arrived: Sequence[Incoming]) -> list[Incoming]:
    """Without what a tx of ours brings to where it was built to: sweeps, gas funding and change arrive at our own addresses.
    Their ids were durable before they were sent, so what stands here is ours and everything else is a deposit: also what a
    contract that we paid passes on to another address of ours."""
    if not arrived:
        return []
    ours: set[tuple[str, str | None]] = set()
    for row in await context.all(sent_as(network.id, {incoming.tx for incoming in arrived})):
        ours |= {(row["tx"], row["target"]), (row["tx"], (row["change"] or {}).get("address"))}
    return [incoming for incoming in arrived if (incoming.tx, incoming.address) not in ours]


async def _record_incoming(
    context: Context, network: Network, block: Block, incoming: Incoming, known: _Known, owner: str | None
) -> None:
    while True:
        if known.deposit is not None and _is_another(network, block, known.deposit):
            incoming = replace(incoming, identity=f"{incoming.identity}@{block.height}", doubt="identity_seen_before")
        elif await _is_recorded(context, network, block, incoming, known, owner):
            return
        known = (await _known(context, network, [incoming]))[incoming.identity]


async def _is_recorded(
    context: Context, network: Network, block: Block, incoming: Incoming, known: _Known, owner: str | None
) -> bool:
    """False if another worker was faster: look again."""
    change = (
        await _seen_again(context, network, block, incoming, known.deposit)
        if known.deposit is not None
        else await _seen_first(context, network, block, incoming, known.stray, owner)
    )
    if change is None:
        return True
    try:
        await context.journal.commit(change)
    except (Stale, AlreadyExists):
        return False
    point("deposit.after_detect")
    return True


async def _seen_first(
    context: Context, network: Network, block: Block, incoming: Incoming, stray: Record | None, owner: str | None
) -> Change | None:
    """What was a stray until its asset was listed is one no more, in the same Change: where a recovery of it is committed at
    the same moment, versions decide, so that nothing is both sent back and credited."""
    if stray is not None and stray["state"] in GONE_BACK:
        return None
    change = await first_sight(context, network, block, incoming, owner)
    if stray is None or stray["state"] not in MOVABLE_STRAYS:
        return change
    ended = Update("strays", stray["id"], stray["version"], {"state": StrayState.CREDITED.value})
    return structs.replace(change, writes=(*change.writes, ended))


def why_doubted(network: Network, incoming: Incoming) -> str | None:
    """The adapter's reason not to believe it; that it is dust, which would be paid out of better coins; or that it is more than
    one provider's word is worth."""
    listing = next((one for one in network.listings if one.asset == incoming.amount.asset), None)
    if incoming.doubt is not None or listing is None:
        return incoming.doubt
    if incoming.amount.units < listing.deposit_min_units:
        return "dust"
    most = listing.one_provider_max_units
    return ONE_PROVIDER if most is not None and incoming.amount.units > most else None


def _is_another(network: Network, block: Block, known: Record) -> bool:
    """Statements never move an entry to another statement: the same identity there is a second arrival, and for a person."""
    return network.capabilities.reversal is Reversal.RETURN and known["block"] not in (None, block.id)


async def first_sight(
    context: Context, network: Network, block: Block | None, incoming: Incoming, owner: str | None
) -> Change:
    """Without a block it is announced only."""
    back = await find_returned(context, network, incoming)
    if back is not None:
        incoming, owner = believed(incoming), back["owner"]
    elsewhere = None if owner else await owner_elsewhere(context, network.id, incoming.address)
    whose = None if owner else WRONG_NETWORK if elsewhere else "unattributed"
    grown = await in_growth(context, network.id, block.height, incoming) if block is not None else None
    owner, reason = owner or elsewhere, grown or why_doubted(network, incoming) or whose
    party = _sealed_party(context, owner, network, incoming)
    row = {
        "id": DepositId(context.new_id("dep")),
        "network": network.id,
        "identity": incoming.identity,
        "asset": incoming.amount.asset.symbol,
        "units": incoming.amount.units,
        "address": incoming.address,
        "owner": owner,
        "state": QUARANTINED if reason else DETECTED,
        "reason": reason,
        "tx": incoming.tx,
        "height": block.height if block and incoming.booked else None,
        "block": block.id if block and incoming.booked else None,
        "party_item": party.id if party else None,
        "swept_by": None,
        "confirmations_min": incoming.confirmations_min or None,
        "created_at": context.clock.now(),
        "credited_at": None,
        "returns": back["id"] if back is not None else None,
    }
    return Change(
        actor=ACTOR_NODE,
        kind=EventKind.DEPOSIT_QUARANTINED if reason else EventKind.DEPOSIT_DETECTED,
        data=deposit_view(row, incoming.amount.asset.decimals),
        writes=(Insert("deposits", row),),
        vault=(party,) if party else (),
        viewers=await viewers_of(context, owner),
    )


def _sealed_party(context: Context, owner: str | None, network: Network, incoming: Incoming) -> SealedItem | None:
    """Under the owner's key, so that erasing them erases it; under the bank's where there is none, or none any more."""
    if incoming.party is None and incoming.text is None:
        return None
    party = incoming.party
    clear = {"name": party.name if party else None, "iban": party.iban if party else None, "text": incoming.text}
    try:
        return context.seal(owner or bank_person(network.id), ItemKind.PARTY, clear)
    except PersonErased:
        return context.seal(bank_person(network.id), ItemKind.PARTY, clear)


async def _seen_again(
    context: Context, network: Network, block: Block, incoming: Incoming, known: Record
) -> Change | None:
    """The same arrival in another block (a reorg), or booked after it was announced. A credited one is never touched."""
    if known["state"] == UPROOTED:
        return await _found_again(context, network, block, incoming, known)
    if not incoming.booked or known["state"] not in MOVABLE:
        return None
    if (known["block"], known["units"]) == (block.id, incoming.amount.units) and known["state"] != ORPHANED:
        return None
    seen = believed(incoming) if known["returns"] is not None else incoming
    quarantined = why_doubted(network, seen) or await whose_doubt(context, known)
    values: dict[str, Any] = {
        "state": QUARANTINED if quarantined else DETECTED,
        "reason": quarantined,
        "height": block.height,
        "block": block.id,
        "units": incoming.amount.units,
        "tx": incoming.tx,
        "confirmations_min": incoming.confirmations_min or None,
    }
    kind = EventKind.DEPOSIT_QUARANTINED if quarantined else EventKind.DEPOSIT_DETECTED
    return await moved(context, known, kind, values)


async def whose_doubt(context: Context, row: Record) -> str | None:
    """Why it is not yet anybody's to have, whatever else is thought of it: it came over the wrong network, or has no owner."""
    if await owner_elsewhere(context, row["network"], row["address"]):
        return WRONG_NETWORK
    return None if row["owner"] else "unattributed"


async def _found_again(
    context: Context, network: Network, block: Block, incoming: Incoming, known: Record
) -> Change | None:
    """The new branch has what was credited from the old one: only its block is another. If it has it otherwise, that is no
    longer what was credited, which is taken back."""
    if incoming.doubt is not None or incoming.amount.units != known["units"]:
        return None
    values = {"state": CREDITED, "height": block.height, "block": block.id, "tx": incoming.tx}
    step = await moved(context, known, EventKind.DEPOSIT_FOUND_AGAIN, values)
    return structs.replace(step, writes=(*step.writes, *await found_coin(context, network, known["identity"])))


async def _book_outflow(context: Context, network: Network, block: Block, outgoing: Outgoing) -> None:
    """Money that the bank shows leaving without us. Charges are an expense; anything else stops the asset for a person."""
    entry = templates.bank_charge if outgoing.charge else templates.unexplained_outflow
    data = {
        "network": network.id,
        "identity": outgoing.identity,
        "asset": outgoing.amount.asset.symbol,
        "amount": format_units(outgoing.amount.units, outgoing.amount.asset.decimals),
        "reason": outgoing.reason,
        "height": block.height,
    }
    reason = f"{network.id} shows {outgoing.amount} leaving that no submission explains ({outgoing.identity})"
    symbol = outgoing.amount.asset.symbol
    request = Request(HOUSE, "outflow.book", f"{network.id}:{outgoing.identity}", request_digest(data))

    async def decide() -> Change:
        return Change(
            actor=ACTOR_NODE,
            kind=EventKind.OUTFLOW_BOOKED,
            data=data,
            entry=entry(network.id, outgoing.amount),
            writes=() if outgoing.charge else await pausing(context, symbol, reason),
            request=request,
            result=data,
        )

    await repeatable(context.journal, request, decide)
