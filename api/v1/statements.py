"""Statements: opening balance, movements and closing balance of one account in one asset and period."""

from typing import Annotated, Any, Literal

from pydantic import Field

from api.auth import subject
from api.errors import Problem
from api.moments import MomentAsked
from api.personal import reveal_text
from api.routes import Answer, Call, any_of, route
from api.schema import AmountText, AssetSymbol, Closed, CustomerName, Moment, Nothing, Shown
from api.streaming import Stream
from api.web.statement import HTML_TYPE, policy, statement_html
from wallet import schema
from wallet.access.keys import Scope
from wallet.exports.files import CSV_TYPE
from wallet.ids import CustomerId
from wallet.journal.change import EventKind
from wallet.ledger.accounts import Account
from wallet.ledger.moments import MomentToCome
from wallet.statements.files import statement_csv, statement_json
from wallet.statements.open import open_statement
from wallet.statements.posted import PostedStatement

JSON_TYPE = "application/json"


class StatementQuery(Closed):
    asset: AssetSymbol
    start: Annotated[MomentAsked, Field(alias="from", description="The first moment of the period.")]
    end: Annotated[MomentAsked, Field(alias="to", description="The first moment after it. It may not lie ahead.")]
    customer: CustomerName | None = None
    account: Literal["balance", "receivable", "fees", "markup"] = "balance"
    form: Literal["json", "csv", "html"] = Field(default="json", alias="format")


class StandingView(Shown):
    posted: AmountText
    held: AmountText
    available: AmountText


class PostedView(Shown):
    at: Moment
    kind: EventKind
    object: str | None
    direction: str
    amount: AmountText
    posted_after: AmountText
    counterparty: str | None


class StatementView(Shown):
    """A statement. `final` says that nothing can be booked in the period any more: it is the same for ever."""

    customer: str
    account: str
    asset: AssetSymbol
    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    final: bool
    opening: StandingView
    closing: StandingView
    movements: list[PostedView] = Field(description="What was posted; what was only held or released is none.")
    count: int
    total_in: AmountText
    total_out: AmountText


@route(
    "GET",
    "/v1/statements",
    access=any_of(Scope.READ, Scope.OPERATE_READ),
    answer=(StatementView, CSV_TYPE, HTML_TYPE),
    refuses=("not_found", "period_refused", "moment_to_come", "moment_archived"),
)
async def show(call: Call[Nothing, StatementQuery]) -> Answer:
    """A statement as JSON, as CSV or as a page to print"""
    asked, context = call.query, call.context
    owner = await subject(call, asked.customer)
    account = Account(owner, asked.account, context.asset(asked.asset))
    try:
        posted = PostedStatement(context, await open_statement(context, account, asked.start, asked.end))
    except MomentToCome as early:
        raise Problem(early.code, early.message, blame="to") from early
    sees_all = call.principal.sees_all
    match asked.form:
        case "json":
            return Answer(Stream(statement_json(posted, sees_all=sees_all), JSON_TYPE))
        case "csv":
            name = f"statement-{asked.asset}-{asked.start.date()}.csv"
            return Answer(Stream(statement_csv(posted, sees_all=sees_all), CSV_TYPE, name))
        case "html":
            return Answer(await _page(call, owner, posted, sees_all=sees_all))


async def _page(call: Call[Any, Any], owner: CustomerId, posted: PostedStatement, *, sees_all: bool) -> Stream:
    row = await call.context.named(schema.customers.c.id, owner)
    assert row is not None
    holder = await reveal_text(call.context, row["name_item"]) if owner == call.principal.owner else None
    called = f"@{row['handle']}" if row["handle"] is not None else row["reference"]
    page = statement_html(posted, sees_all=sees_all, holder=holder, called=called)
    return Stream(page, HTML_TYPE, headers={"Content-Security-Policy": f"{policy()}; frame-ancestors 'none'"})


ROUTES = (show,)
