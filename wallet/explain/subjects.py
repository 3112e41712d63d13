"""What each kind of object is: whose, in one or two sentences, and where to look for the Changes behind it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, or_, select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotFound
from wallet.explain.changes import Walk
from wallet.explain.evidence import Evidence, evidence_of
from wallet.explain.words import moment
from wallet.ledger import accounts
from wallet.ledger.accounts import HOUSE
from wallet.money import format_units
from wallet.withdrawals.states import ENDED

RELATED_MAX = 200  # deposits that are named beside their statement
_POSITION = re.compile(r"([1-9][0-9]{0,17})(?:\.([0-9]{1,5}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Subject:
    """`owners` may see it, and operators. `position` is a place in the journal where that is known without looking, with the
    ordinal of one transfer if only that is meant."""

    id: str
    noun: str
    owners: tuple[str | None, ...]
    story: tuple[str, ...]
    walks: tuple[Walk, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    related: tuple[str, ...] = ()
    position: tuple[int, int | None] | None = None


async def find_subject(context: Context, name: str) -> Subject:
    """Raises `NotFound`."""
    place = _POSITION.fullmatch(name)
    if place is not None:
        seq, ordinal = int(place[1]), int(place[2]) if place[2] else None
        story = f"Journal position {seq}" + ("." if ordinal is None else f", transfer {ordinal} of its entry.")
        return Subject(name, "transfer" if place[2] else "change", (), (story,), position=(seq, ordinal))
    found = _FOUND_BY.get(name.partition("_")[0])
    if found is None:
        raise NotFound("object", name)
    noun, table, tell = found
    row = await context.one(select(table).where(table.c.id == name))
    if row is None and table is schema.placed_holds:
        return await _withdrawals_hold(context, name)
    if row is None:
        raise NotFound(noun, name)
    return await tell(context, row)


def _money(context: Context, row: Record, column: str = "units") -> str:
    return f"{format_units(row[column], context.asset(row['asset']).decimals)} {row['asset']}"


def _account(owner: str, asset: str, code: str = "balance") -> str:
    return f"{owner}:{code}:{asset}"


async def _payment(context: Context, row: Record) -> Subject:
    payer, payee, made = row["payer"], row["payee"], row["created_at"]
    story = f"{payer} paid {_money(context, row)} to {payee} on {moment(made)}."
    back = await _reversal(context, row["id"])
    own = Walk((_account(payer, row["asset"]),), row["id"], made, made)
    undone = [Walk(own.accounts, row["id"], back["created_at"], back["created_at"])] if back else []
    return Subject(row["id"], "payment", (payer, payee), (story, *_reversed(back)), (own, *undone))


async def _settlement(context: Context, row: Record) -> Subject:
    platform, made, legs = row["platform"], row["created_at"], row["legs"]
    story = f"{platform} settled {len(legs)} legs at once on {moment(made)}."
    back = await _reversal(context, row["id"])
    first = legs[0]
    receiver = first["to"]
    account = _account(platform, first["asset"], receiver)
    if receiver.startswith("cus_"):
        account = _account(receiver, first["asset"])
    own = Walk((account,), row["id"], made, made)
    undone = [Walk((account,), row["id"], back["created_at"], back["created_at"])] if back else []
    return Subject(row["id"], "settlement", (platform,), (story, *_reversed(back)), (own, *undone))


async def _reversal(context: Context, name: str) -> Record | None:
    table = schema.reversals
    return await context.one(select(table).where(table.c.object == name))


def _reversed(row: Record | None) -> tuple[str, ...]:
    return (f"It was reversed on {moment(row['created_at'])}.",) if row is not None else ()


async def _deposit(context: Context, row: Record) -> Subject:
    owner, credited = row["owner"], row["credited_at"]
    arrived = f"{_money(context, row)} arrived on {row['network']}, first seen on {moment(row['created_at'])}"
    to = "for nobody that is known" if owner is None else f"for {owner}"
    reason = f" ({row['reason']})" if row["reason"] else ""
    story = f"{arrived}, {to}; it is {row['state']}{reason}."
    codes = ("capital", "suspense") if owner == HOUSE else ("balance", "receivable")
    places = tuple([_account(owner, row["asset"], code) for code in codes]) if owner else ()
    until = (
        credited if row["state"] == "credited" else None
    )  # what was taken back has a second Change, whenever that was
    walks = (Walk(places, row["id"], credited, until),) if credited and places else ()
    return Subject(row["id"], "deposit", (owner,), (story,), walks, (await evidence_of(context, row),))


async def _withdrawal(context: Context, row: Record) -> Subject:
    owner, made = row["owner"], row["created_at"]
    fee = f" and {_money(context, row, 'fee_units')} for the network's fee" if row["fee_units"] else ""
    reason = f" ({row['reason']})" if row["reason"] else ""
    story = (
        f"{owner} asked on {moment(made)} to send {_money(context, row)} out on {row['network']}; "
        f"it is {row['state']}{reason}."
    )
    held = f"{_money(context, row)}{fee} " + ("was" if row["state"] in ENDED else "is") + " held for it."
    if row.get("payment") is not None:
        held = (
            f"The address is another customer's here, so that it was booked as {row['payment']} and nothing was sent."
        )
    links, table = schema.submission_withdrawals, schema.submissions
    sent = select(table).join(links, links.c.submission == table.c.id).where(links.c.withdrawal == row["id"])
    submissions = await context.all(sent.order_by(table.c.id))
    return Subject(
        id=row["id"],
        noun="withdrawal",
        owners=(owner,),
        story=(story, held),
        walks=(Walk((_account(owner, row["asset"]),), row["id"], made, row["final_at"]),),
        evidence=tuple([await evidence_of(context, one) for one in submissions if one["tx"] is not None]),
        related=tuple([one["id"] for one in submissions]),
    )


async def _saved_destination(_context: Context, row: Record) -> Subject:
    owner = row["owner"]
    story = f"{owner} saved it on {moment(row['saved_at'])}, to send withdrawals to on {row['network']}."
    ended = row["removed_at"]
    use = f"It can be used from {moment(row['usable_at'])} on, or later where their own rules say so."
    return Subject(
        row["id"],
        "saved destination",
        (owner,),
        (story, use if ended is None else f"It was removed on {moment(ended)}."),
    )


async def _placed_hold(context: Context, row: Record) -> Subject:
    platform, owner, made = row["platform"], row["owner"], row["created_at"]
    story = (
        f"{platform} had {_money(context, row)} of {owner} held from {moment(made)} on; "
        f"{_money(context, row, 'settled_units')} of it is settled, and the hold is {row['state']}."
    )
    walk = Walk((_account(owner, row["asset"]),), row["id"], made, row["ended_at"])
    return Subject(row["id"], "hold", (platform, owner), (story,), (walk,))


async def _withdrawals_hold(context: Context, name: str) -> Subject:
    """A hold that no platform placed: a withdrawal has it, for what it sends or for its network fee."""
    table = schema.withdrawals
    hold = await context.one(select(schema.holds).where(schema.holds.c.id == name))
    owner = accounts.owner_of(hold["debit"]) if hold is not None else None
    mine = select(table).where(table.c.owner == owner, or_(table.c.hold == name, table.c.fee_hold == name))
    row = await context.one(mine)
    if hold is None or row is None:
        raise NotFound("hold", name)
    left = format_units(hold["remaining"], context.asset(hold["asset"]).decimals)
    what = "its network fee" if row["fee_hold"] == name else "what it sends"
    story = f"{_money(context, hold)} held for {row['id']}, {what}; {left} {hold['asset']} of it is still held."
    walk = Walk((hold["debit"],), name, row["created_at"], row["final_at"])
    return Subject(name, "hold", (owner,), (story,), (walk,), related=(row["id"],))


async def _submission(context: Context, row: Record) -> Subject:
    made = row["created_at"]
    story = f"The node authored it on {moment(made)} ({row['purpose']}, {_money(context, row)}); it is {row['state']}."
    transit = [_account(HOUSE, symbol, f"transit@{row['network']}") for symbol in {row["asset"], row["fee_asset"]}]
    links = schema.submission_withdrawals
    paid = await context.all(select(links.c.withdrawal).where(links.c.submission == row["id"]))
    swept = await context.all(select(schema.deposits.c.id).where(schema.deposits.c.swept_by == row["id"]))
    return Subject(
        id=row["id"],
        noun="submission",
        owners=(),
        story=(story, *_cost(context, row, len(paid))),
        walks=(Walk(tuple(sorted(transit)), row["id"], made),),
        evidence=(await evidence_of(context, row),),
        related=(*[one["withdrawal"] for one in paid], *[one["id"] for one in swept]),
    )


def _cost(context: Context, row: Record, payouts: int) -> tuple[str, ...]:
    """What the network was paid, and for how many withdrawals; a share is rounded up to a whole base unit."""
    if row["fee_paid"] is None or not payouts:
        return ()
    asset = context.asset(row["fee_asset"])
    whole, each = (format_units(units, asset.decimals) for units in (row["fee_paid"], -(-row["fee_paid"] // payouts)))
    return (f"It cost {whole} {asset.symbol}: {each} for each of {payouts} payouts.",)


async def _break(context: Context, row: Record) -> Subject:
    ended = f"; {row['resolution']}" if row["resolution"] else ""
    story = f"{row['network']} stated {_money(context, row)} less than the books, found on {moment(row['created_at'])}."
    loss = accounts.loss(context.asset(row["asset"])).id
    walks = (Walk((loss,), row["id"], row["resolved_at"], row["resolved_at"]),) if row["resolved_at"] else ()
    return Subject(row["id"], "break", (), (story, f"It is {row['state']}{ended}."), walks)


async def _statement(context: Context, row: Record) -> Subject:
    accepted = f"Statement {row['height']} of {row['network']} was accepted on {moment(row['created_at'])}"
    story = f"{accepted}; its file has the digest {row['digest']}."
    deposits = schema.deposits
    told = select(deposits.c.id).where(deposits.c.network == row["network"], deposits.c.height == row["height"])
    found = await context.all(told.order_by(deposits.c.id).limit(RELATED_MAX))
    return Subject(row["id"], "statement", (), (story,), related=tuple([one["id"] for one in found]))


Tell = Callable[[Context, Any], Awaitable[Subject]]
_FOUND_BY: dict[str, tuple[str, Table, Tell]] = {
    "pay": ("payment", schema.payments, _payment),
    "dep": ("deposit", schema.deposits, _deposit),
    "wdr": ("withdrawal", schema.withdrawals, _withdrawal),
    "dst": ("saved destination", schema.saved_destinations, _saved_destination),
    "hld": ("hold", schema.placed_holds, _placed_hold),
    "stl": ("settlement", schema.settlements, _settlement),
    "sub": ("submission", schema.submissions, _submission),
    "brk": ("break", schema.breaks, _break),
    "stm": ("statement", schema.statements, _statement),
}
"""By an id's prefix."""
