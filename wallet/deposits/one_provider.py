"""What one provider alone can make us credit: a large deposit waits for a person, all of 24 hours stay below a bound.

What this prevents: everything being lost to one provider that lies or was taken over. Several that must agree have no such
bounds (`chains.quorum`).
"""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select

from wallet import schema
from wallet.context import Context, Record
from wallet.customers.viewers import viewers_of
from wallet.deposits.detect import whose_doubt
from wallet.deposits.states import BOOKED, DETECTED, ONE_PROVIDER, QUARANTINED
from wallet.deposits.view import deposit_view
from wallet.errors import NotAllowed, NotFound
from wallet.growth.identity import is_growth
from wallet.growth.lasting import is_lasting
from wallet.journal.change import Change, Committed, EventKind, Update
from wallet.ports import Listing, Network
from wallet.strays.find import ended_by_growth

DAY = timedelta(hours=24)
TOKEN_MAX = 10_000  # whole units of a token in one deposit, where nothing else is said
DAY_TIMES = 10  # so many times the bound of one deposit within a day, likewise


def bounded(listing: Listing, whole_units: int = TOKEN_MAX) -> Listing:
    """The listing with what one provider's word is worth, as far as it does not say so itself."""
    most, day_most = listing.one_provider_max_units, listing.one_provider_day_max_units
    most = whole_units * 10**listing.asset.decimals if most is None else most
    return replace(
        listing,
        one_provider_max_units=most,
        one_provider_day_max_units=most * DAY_TIMES if day_most is None else day_most,
    )


def bounded_alike(network: Network, listing: Listing) -> Listing:
    """A listing that is taken up while the node runs: bounded where the network's own asset is."""
    native = next((one for one in network.listings if one.contract is None), None)
    return bounded(listing) if native is not None and native.one_provider_max_units is not None else listing


async def within_day(context: Context, network: Network, row: Record) -> bool:
    """Whether crediting this deposit keeps all credits of 24 hours at or below the bound. One that a person has accepted
    counts and is not held up."""
    listing = next((one for one in network.listings if one.asset.symbol == row["asset"]), None)
    if listing is None or listing.one_provider_day_max_units is None:
        return True
    most = listing.one_provider_max_units
    if most is not None and row["units"] > most:
        return True
    table = schema.deposits
    wanted = select(func.coalesce(func.sum(table.c.units), 0).label("units")).where(
        table.c.network == network.id,
        table.c.asset == row["asset"],
        table.c.state.in_(BOOKED),
        table.c.credited_at > context.clock.now() - DAY,
    )
    credited = int((await context.all(wanted))[0]["units"])
    return credited + int(row["units"]) <= listing.one_provider_day_max_units


ACCEPTABLE = frozenset({ONE_PROVIDER, "less_arrived", "balance_grew"})
"""Reasons of what the network bears out and a person has to judge: a large deposit on one provider's word, and a token that
keeps a part of what it moves, or changed a balance without a log. The amount is what is there."""


async def accept_deposit(context: Context, actor: str, deposit: str, reason: str) -> Committed:
    """A person has looked, elsewhere or at the token: it goes on as any other. That it is there says not whose it is: what has
    no owner, or came over the wrong network, waits for that as any other does. Raises `NotFound`, `NotAllowed`, and where
    balances are asked for the network's errors."""
    table = schema.deposits
    row = await context.one(select(table).where(table.c.id == deposit))
    if row is None:
        raise NotFound("deposit", deposit)
    if row["state"] != QUARANTINED or row["reason"] not in ACCEPTABLE or not row["units"]:
        raise NotAllowed(
            f"deposit {deposit} is {row['state']} ({row['reason']}): only one that waits for a second opinion is accepted"
        )
    if not await is_lasting(context, row):
        raise NotAllowed(
            f"{deposit} is not there as it was shown, or a tx tells of it by now: look again at a later block"
        )
    whose = await whose_doubt(context, row)
    values = {"state": QUARANTINED if whose else DETECTED, "reason": whose}
    view = deposit_view({**row, **values}, context.asset(row["asset"]).decimals)
    change = Change(
        actor=actor,
        kind=EventKind.DEPOSIT_ACCEPTED,
        data={**view, "reason": reason},
        writes=(
            Update("deposits", deposit, row["version"], values),
            *(await ended_by_growth(context, row) if is_growth(row["identity"]) else ()),
        ),
        viewers=await viewers_of(context, row["owner"]),
        result=view,
    )
    return await context.journal.commit(change)
