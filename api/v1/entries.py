"""Ledger history: every movement of one's balance in one asset, with posted and held after it."""

from api.auth import subject
from api.cursors import open_cursor
from api.pages import next_cursor
from api.routes import Answer, Call, any_of, route
from api.schema import AmountText, AssetSymbol, CustomerName, Moment, Nothing, Paging, Shown
from wallet.access.keys import Scope
from wallet.journal.change import EventKind
from wallet.ledger.balances import history
from wallet.ledger.transfers import Move


class EntriesQuery(Paging):
    asset: AssetSymbol
    customer: CustomerName | None = None


class EntryLine(Shown):
    at: Moment
    kind: EventKind
    move: Move
    direction: str
    asset: AssetSymbol
    amount: AmountText
    posted_after: AmountText
    held_after: AmountText


class EntryPage(Shown):
    items: list[EntryLine]
    next_cursor: str | None


@route(
    "GET",
    "/v1/entries",
    access=any_of(Scope.READ, Scope.OPERATE_READ),
    answer=EntryPage,
    refuses=("not_found", "invalid_cursor"),
)
async def list_all(call: Call[Nothing, EntriesQuery]) -> Answer:
    """Ledger history of one asset, newest first"""
    owner, asset = await subject(call, call.query.customer), call.query.asset
    place, before = f"entries:{owner}:{asset}", None
    if call.query.cursor is not None:
        seq, ordinal = open_cursor(call.settings, call.principal.owner, place, call.query.cursor)
        before = (int(seq), int(ordinal))
    lines = await history(call.context, owner, asset, before, call.query.limit + 1)
    page = lines[: call.query.limit]
    following = next_cursor(call, place, page[-1]["position"]) if len(lines) > len(page) else None
    return Answer(EntryPage(items=[EntryLine.model_validate(line) for line in page], next_cursor=following))


ROUTES = (list_all,)
