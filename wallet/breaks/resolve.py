"""End a break: the difference is gone and a person says why, or it stays and the house bears it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Column, ColumnElement, func, literal_column, or_, select

from wallet import schema
from wallet.breaks.locate import Location, Progress, locate
from wallet.breaks.open import OPEN, RESOLVED, break_view, pause_reason
from wallet.context import Context, Record
from wallet.deposits.states import CONFIRMING, DETECTED
from wallet.errors import BreakStands, NotAllowed, NotFound
from wallet.journal.change import Change, Committed, EventKind, Update
from wallet.ledger import accounts, templates
from wallet.ledger.accounts import Account
from wallet.ledger.holdings import Holding, holdings
from wallet.money import Amount

ENTRIES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Detail:
    """A break as it stands now: the whole, the places that differ, claims that nothing bears out yet, the last entries."""

    row: Record
    holding: Holding
    locations: Sequence[Location]
    claims: Sequence[Record]
    entries: Sequence[Record]


async def find_break(context: Context, name: str) -> Record:
    """Raises `NotFound`."""
    row = await context.one(select(schema.breaks).where(schema.breaks.c.id == name))
    if row is None:
        raise NotFound("break", name)
    return row


async def list_breaks(context: Context, limit: int) -> list[Record]:
    """Newest first, open ones before all."""
    table = schema.breaks
    return await context.all(select(table).order_by(table.c.state != OPEN, table.c.id.desc()).limit(limit))


async def look_into(context: Context, name: str, progress: Progress) -> Detail:
    """Looks at the network again. Raises `NotFound` and the network's errors."""
    row = await find_break(context, name)
    network = context.network(row["network"])
    holding = await _holding(context, row)
    return Detail(
        row=row,
        holding=holding,
        locations=await locate(context, network, holding, progress),
        claims=await _claims(context, row),
        entries=await _entries(context, row),
    )


async def resolve_break(
    context: Context, actor: str, name: str, reason: str, *, book_loss: bool = False, claims_hold: bool = False
) -> Committed:
    """Marks it resolved and resumes its asset, unless the asset was paused for another reason. What is still missing is
    booked as a loss of the house only where `book_loss` says so. `claims_hold`: a person has looked, and the deposits that
    wait are there. Raises `NotFound`, `NotAllowed` (resolved already, or the claim of a deposit may be what is missing),
    `BreakStands`, `Stale`, and the network's errors."""
    row = await find_break(context, name)
    if row["state"] != OPEN:
        raise NotAllowed(f"{name} is resolved already: {row['resolution']}")
    if not reason.strip():
        raise NotAllowed("a break is resolved with a reason: it goes on record")
    holding = await _holding(context, row)
    missing = max(-holding.difference, 0)
    asset = context.asset(row["asset"])
    if missing and not book_loss:
        raise BreakStands(name, Amount(missing, asset))
    if missing and not claims_hold:
        await _refuse_claims(context, row, missing)
    entry = templates.loss_booked(await _place(context, holding, missing), Amount(missing, asset)) if missing else ()
    values = {"state": RESOLVED, "resolution": reason, "resolved_at": context.clock.now()}
    change = Change(
        actor=actor,
        kind=EventKind.BREAK_RESOLVED,
        data={
            **break_view({**row, **values}, asset.decimals),
            "loss": f"{Amount(missing, asset)}" if missing else None,
        },
        entry=entry,
        writes=(Update("breaks", name, row["version"], values), *await _resuming(context, row)),
    )
    return await context.journal.commit(change)


async def _holding(context: Context, row: Record) -> Holding:
    found = await holdings(context, context.network(row["network"]))
    return next(holding for holding in found if holding.asset == row["asset"])


async def _place(context: Context, holding: Holding, missing: int) -> Account:
    """Where it went missing: the place whose own balance is short of it; the hot one where that cannot be told."""
    network, asset = context.network(holding.network), context.asset(holding.asset)
    if network.capabilities.sweeps:
        locations = await locate(context, network, holding, lambda _done, _of: None)
        gone = sum(-each.difference for each in locations if each.kind == "deposit" and each.difference < 0)
        if gone >= missing:
            return accounts.deposits(network.id, asset)
    return accounts.hot(network.id, asset)


async def _refuse_claims(context: Context, row: Record, missing: int) -> None:
    """A deposit that is claimed and not there was never booked: writing it off would make a loss out of nothing, and room
    for the claim to be credited. What claims more than is missing is at least partly there, so it is not that."""
    claimed = [claim for claim in await _claims(context, row) if claim["units"] <= missing]
    if sum(claim["units"] for claim in claimed) >= missing:
        names = ", ".join(claim["id"] for claim in claimed)
        raise NotAllowed(
            f"deposits that are not credited claim as much as is missing ({names}). If they are not there, use"
            " `coffer deposit disbelieve DEPOSIT` and resolve without --book-loss. If they are, say so: --claims-hold"
        )


async def _claims(context: Context, row: Record) -> list[Record]:
    table = schema.deposits
    wanted = select(table).where(
        table.c.network == row["network"], table.c.asset == row["asset"], table.c.state.in_((DETECTED, CONFIRMING))
    )
    return await context.all(wanted.where(table.c.height.is_not(None)).order_by(table.c.id))


async def _entries(context: Context, row: Record) -> list[Record]:
    """The last transfers at the places of this network."""
    table, network, asset = schema.transfers, context.network(row["network"]).id, context.asset(row["asset"])
    places = [place(network, asset).id for place in (accounts.hot, accounts.deposits, accounts.transit)]
    touching = or_(_is_among(table.c.debit_account, places), _is_among(table.c.credit_account, places))
    last = select(table).where(touching).order_by(table.c.seq.desc(), table.c.ordinal.desc())
    return await context.all(last.limit(ENTRIES_SHOWN))


def _is_among(side: Column[str], places: Sequence[str]) -> ColumnElement[bool]:
    """By the hash first, which is what the index of that side has."""
    hashed = [func.hashtextextended(place, literal_column("0")) for place in places]
    return func.hashtextextended(side, literal_column("0")).in_(hashed) & side.in_(places)


async def _resuming(context: Context, row: Record) -> tuple[Update, ...]:
    asset = await context.one(select(schema.assets).where(schema.assets.c.id == row["asset"]))
    if asset is None or asset["pause_reason"] != pause_reason(row):
        return ()
    return (Update("assets", asset["id"], asset["version"], {"paused": False, "pause_reason": None}),)
