"""Ledger history: every transfer of one's accounts, with posted and held after it."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from api.auth import subject
from api.cursors import open_cursor
from api.errors import Problem
from api.moments import MomentAsked
from api.pages import next_cursor
from api.routes import Answer, Call, any_of, route
from api.schema import AmountText, AssetSymbol, CustomerName, Moment, Nothing, Paging, Shown
from wallet.access.keys import Scope
from wallet.customers.create import find_customer
from wallet.customers.sub_accounts import PREFIX, find_sub_account
from wallet.errors import NotFound
from wallet.journal.change import EventKind
from wallet.ledger.accounts import HOUSE, Account
from wallet.ledger.moments import seq_before
from wallet.ledger.transfers import Move
from wallet.ledger.walk import SEQ_MAX
from wallet.money import Asset
from wallet.movements.movement import TOLD_KINDS, Movement, movement_view, told_counterparty
from wallet.movements.pages import Cut, Page, PageWanted, read_page

AccountCode = Literal["balance", "receivable", "fees", "markup"]


class TransfersQuery(Paging):
    customer: CustomerName | None = None
    account: Annotated[
        AccountCode, Field(description="What is owned; what is owed to the house; what a platform collected.")
    ] = "balance"
    asset: AssetSymbol | None = None
    kind: Annotated[EventKind | None, Field(strict=False, description="Transfers of such events only.")] = None
    counterparty: Annotated[
        CustomerName | None, Field(description="Transfers from or to this customer only, or to and from `house`.")
    ] = None
    since: Annotated[MomentAsked | None, Field(alias="from", description="At this moment or after it.")] = None
    until: Annotated[MomentAsked | None, Field(alias="to", description="Before this moment.")] = None
    order: Annotated[Literal["asc", "desc"], Field(description="Oldest or newest first.")] = "desc"


class TransferLine(Shown):
    at: Moment
    kind: EventKind
    object: str | None = Field(description="The payment, deposit, withdrawal, hold or settlement that it belongs to.")
    account: str
    move: Move
    direction: str = Field(description="`in` where the account's figure grows.")
    asset: AssetSymbol
    amount: AmountText
    counterparty: str | None = Field(
        description="The customer on the other side; null if it is the house, or not told."
    )
    posted_after: AmountText
    held_after: AmountText


class TransferPage(Shown):
    items: list[TransferLine] = Field(
        description="With `kind` or `counterparty` it may have fewer items than `limit`, or none, and yet a next page."
    )
    next_cursor: str | None
    previous_cursor: str | None


@route(
    "GET",
    "/v1/transfers",
    access=any_of(Scope.READ, Scope.OPERATE_READ),
    answer=TransferPage,
    refuses=("not_found", "invalid_cursor"),
)
async def list_all(call: Call[Nothing, TransfersQuery]) -> Answer:
    """Ledger history, newest or oldest first"""
    asked, wanted = call.query, await _wanted(call)
    forward = asked.order == "asc"
    place = f"transfers:{wanted!r}:{asked.since}:{asked.until}:{asked.order}"
    ascending, start = forward, None
    if asked.cursor is not None:
        words = open_cursor(call.settings, call.principal.owner, place, asked.cursor)
        ascending, start = bool(words[0]), (int(words[1]), int(words[2]))
    page = await read_page(call.context, await _bounded(call, wanted), start, asked.limit, ascending=ascending)
    ahead, back = _cursors(call, place, page, start, ascending)
    onward = ascending == forward
    items = [_shown(call, movement) for movement in (page.items if onward else reversed(page.items))]
    return Answer(
        TransferPage(items=items, next_cursor=ahead if onward else back, previous_cursor=back if onward else ahead)
    )


def _cursors(
    call: Call[Any, Any], place: str, page: Page, start: Cut | None, ascending: bool
) -> tuple[str | None, str | None]:
    """Where the walk goes on, and back to where it came from."""
    ahead = None if page.end is None else next_cursor(call, place, (int(ascending), *page.end))
    return ahead, None if start is None else next_cursor(call, place, (int(not ascending), *start))


async def _wanted(call: Call[Nothing, TransfersQuery]) -> PageWanted:
    asked = call.query
    owner, counterparty = await subject(call, asked.customer), await _counterparty(call)
    return PageWanted(
        accounts=tuple(sorted(Account(owner, asked.account, asset).id for asset in _assets(call))),
        kind=asked.kind.value if asked.kind is not None else None,
        counterparty=counterparty,
        told_kinds=None if call.principal.sees_all or counterparty == HOUSE else TOLD_KINDS,
    )


def _assets(call: Call[Nothing, TransfersQuery]) -> list[Asset]:
    asked, listed = call.query.asset, call.context.assets
    if asked is None:
        return list(listed.values())
    if asked not in listed:
        raise Problem("invalid_request", "this asset is not listed here", blame="asset")
    return [listed[asked]]


async def _counterparty(call: Call[Nothing, TransfersQuery]) -> str | None:
    """The owner of the other account. An id is taken as it is: whether there is such a customer is not told. Without an @
    the house is meant by its name, whoever else may be called so."""
    named = call.query.counterparty
    if named is None or named == HOUSE or named.startswith("cus_"):
        return named
    found = (
        await find_sub_account(call.context, call.principal.owner, named)
        if named.startswith(PREFIX)
        else await _with_handle(call, named)
    )
    if found is None:
        raise Problem("invalid_request", "no such customer", blame="counterparty")
    return str(found["id"])


async def _with_handle(call: Call[Any, Any], handle: str) -> Any:
    try:
        return await find_customer(call.context, handle)
    except NotFound:
        return None


async def _bounded(call: Call[Nothing, TransfersQuery], wanted: PageWanted) -> PageWanted:
    """Within the asked period."""
    since, until = call.query.since, call.query.until
    if since is not None and until is not None and since >= until:
        raise Problem("invalid_request", "the period ends before it begins", blame="to")
    low = 0 if since is None else await seq_before(call.context, since) + 1
    high = SEQ_MAX if until is None else await seq_before(call.context, until)
    return replace(wanted, low=low, high=high)


def _shown(call: Call[Any, Any], movement: Movement) -> TransferLine:
    view = movement_view(movement, call.context.asset(movement.asset).decimals)
    return TransferLine.model_validate(
        {**view, "counterparty": told_counterparty(movement, sees_all=call.principal.sees_all)}
    )


ROUTES = (list_all,)
