"""What the page shows, read in one go as plain values. A customer sees itself; an operator the newest customers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, select, true

from api.settings import ApiSettings, BankDetails
from api.v1.networks import NetworkView, shown_networks
from api.v1.withdrawals import sent_txs
from wallet import schema
from wallet.access.keys import Principal
from wallet.context import Context, Record
from wallet.deposits.progress import Progress, progress_of
from wallet.ids import CustomerId
from wallet.ledger.balances import balances
from wallet.money import format_units
from wallet.strays.view import stray_view
from wallet.withdrawals.states import REASONS, State, reason_of

PEOPLE_MAX = 50  # customers on an operator's page
ROWS_MAX = 30  # deposits, and withdrawals
ADDRESSES_MAX = 60


@dataclass(frozen=True, slots=True)
class Person:
    """`name` is the handle with its @, or a sub-account's reference."""

    id: str
    name: str
    balances: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A deposit with how far it is, or a stray. `needed` is how many confirmations make it final, where that can be said."""

    id: str
    name: str
    network: str
    asset: str
    amount: str
    status: str
    reason: str | None
    tx: str
    at: str
    confirmations: int | None
    needed: int | None


@dataclass(frozen=True, slots=True)
class Departure:
    id: str
    name: str
    network: str
    asset: str
    amount: str
    network_fee: str | None
    destination: str | None
    status: str
    reason: str | None
    txs: tuple[str, ...]
    at: str


@dataclass(frozen=True, slots=True)
class Receiving:
    id: str
    name: str
    network: str
    kind: str
    assets: tuple[str, ...]
    address: str
    bank: BankDetails | None


@dataclass(frozen=True, slots=True)
class Live:
    """All of the page. `owner` is the customer it belongs to, or None on an operator's page."""

    owner: Person | None
    people: tuple[Person, ...]
    arrivals: tuple[Arrival, ...]
    departures: tuple[Departure, ...]
    receiving: tuple[Receiving, ...]
    networks: tuple[NetworkView, ...]
    paused: tuple[str, ...]
    version: str
    mode: str
    source_url: str


async def read_live(context: Context, settings: ApiSettings, principal: Principal, source_url: str) -> Live:
    """What the page shows to this principal: a customer sees themselves, an operator everybody."""
    people = await _people(context, principal)
    names = {person.id: person.name for person in people}
    networks = tuple(await shown_networks(context))
    table = schema.assets
    paused = await context.all(select(table.c.id).where(table.c.paused.is_(true())).order_by(table.c.id))
    return Live(
        owner=None if principal.is_operator else people[0],
        people=people,
        arrivals=await _arrivals(context, names),
        departures=await _departures(context, names),
        receiving=await _receiving(context, settings, names, networks),
        networks=networks,
        paused=tuple(row["id"] for row in paused),
        version=settings.version,
        mode=settings.mode,
        source_url=source_url,
    )


async def _people(context: Context, principal: Principal) -> tuple[Person, ...]:
    table = schema.customers
    with_handle: ColumnElement[bool] = table.c.handle.is_not(None)  # a platform's thousands would fill the page
    wanted = with_handle if principal.is_operator else table.c.id == principal.owner
    rows = await context.all(select(table).where(wanted).order_by(table.c.id.desc()).limit(PEOPLE_MAX))
    return tuple(
        [Person(r["id"], _name(r), tuple(await balances(context, CustomerId(r["id"])))) for r in reversed(rows)]
    )


def _name(customer: Record) -> str:
    return f"@{customer['handle']}" if customer["handle"] else str(customer["reference"])


async def _newest(context: Context, table: Table, names: Mapping[str, str], limit: int) -> Sequence[Record]:
    return await context.all(select(table).where(table.c.owner.in_(names)).order_by(table.c.id.desc()).limit(limit))


async def _arrivals(context: Context, names: Mapping[str, str]) -> tuple[Arrival, ...]:
    """Strays stand among the deposits: whoever sent one looks for it there."""
    rows = await _newest(context, schema.deposits, names, ROWS_MAX)
    progress = await progress_of(context, rows)
    found = [_arrival(context, row, names, progress[row["id"]]) for row in rows]
    found += [_stray(row, names) for row in await _newest(context, schema.strays, names, ROWS_MAX)]
    return tuple(sorted(found, key=lambda one: one.id.partition("_")[2], reverse=True)[:ROWS_MAX])


def _stray(row: Record, names: Mapping[str, str]) -> Arrival:
    """In the contract's own units, and by its address: what it calls itself proves nothing."""
    return Arrival(
        id=row["id"],
        name=names[row["owner"]],
        network=row["network"],
        asset=f"units of {row['contract']}",
        amount=str(row["units"]),
        status=str(stray_view(row)["status"]),
        reason=row["reason"],
        tx=row["tx"],
        at=_minute(row["created_at"]),
        confirmations=None,
        needed=None,
    )


def _arrival(context: Context, row: Record, names: Mapping[str, str], progress: Progress) -> Arrival:
    return Arrival(
        id=row["id"],
        name=names[row["owner"]],
        network=row["network"],
        asset=row["asset"],
        amount=format_units(row["units"], context.asset(row["asset"]).decimals),
        status=row["state"],
        reason=row["reason"],
        tx=row["tx"],
        at=_minute(row["created_at"]),
        confirmations=progress.confirmations,
        needed=progress.needed,
    )


async def _departures(context: Context, names: Mapping[str, str]) -> tuple[Departure, ...]:
    rows = await _newest(context, schema.withdrawals, names, ROWS_MAX)
    sent = await sent_txs(context, [row["id"] for row in rows])
    return tuple(_departure(context, row, names, sent.get(row["id"], [])) for row in rows)


def _departure(context: Context, row: Record, names: Mapping[str, str], txs: Sequence[str]) -> Departure:
    decimals = context.asset(row["asset"]).decimals
    return Departure(
        id=row["id"],
        name=names[row["owner"]],
        network=row["network"],
        asset=row["asset"],
        amount=format_units(row["units"], decimals),
        network_fee=format_units(row["fee_units"], decimals) if row["fee_units"] else None,
        destination=row["destination"],
        status=State(row["state"]).value,
        reason=REASONS[reason] if (reason := reason_of(row["reason"])) is not None else None,
        txs=tuple(txs),
        at=_minute(row["created_at"]),
    )


async def _receiving(
    context: Context, settings: ApiSettings, names: Mapping[str, str], networks: Sequence[NetworkView]
) -> tuple[Receiving, ...]:
    seen = {network.id: network for network in networks}
    rows = await _newest(context, schema.addresses, names, ADDRESSES_MAX)
    return tuple(
        Receiving(
            id=row["id"],
            name=names[row["owner"]],
            network=row["network"],
            kind=seen[row["network"]].kind,
            assets=tuple(seen[row["network"]].assets),
            address=row["address"],
            bank=settings.bank_details.get(row["network"]),
        )
        for row in reversed(rows)
        if row["network"] in seen
    )


def _minute(at: Any) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
