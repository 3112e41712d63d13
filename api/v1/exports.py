"""Exports: all transfers of a customer, or of a platform with its sub-accounts, as one file, however many there are."""

from typing import Literal

from pydantic import Field

from api.auth import subject
from api.moments import MomentAsked
from api.routes import Answer, Call, any_of, route
from api.schema import AssetSymbol, Closed, CustomerName, Nothing
from api.streaming import Stream
from wallet.access.keys import Scope
from wallet.exports.files import CSV_TYPE, NDJSON_TYPE, FileForm, file_of
from wallet.exports.transfers import CUSTOMER_NAMES, customer_rows
from wallet.movements.chunks import accounts_of, movements_of_accounts, movements_of_platform
from wallet.movements.span import Period, span_of


class ExportQuery(Closed):
    """`customer` names one of a platform's: without it a platform's file has its own accounts and all of its customers'."""

    form: Literal["csv", "ndjson"] = Field(default="csv", alias="format")
    customer: CustomerName | None = None
    asset: AssetSymbol | None = None
    start: MomentAsked | None = Field(default=None, alias="from")
    end: MomentAsked | None = Field(default=None, alias="to")


@route(
    "GET",
    "/v1/exports/transfers",
    access=any_of(Scope.READ, Scope.OPERATE_READ),
    answer=(CSV_TYPE, NDJSON_TYPE),
    refuses=("not_found", "period_refused", "moment_archived"),
)
async def transfers(call: Call[Nothing, ExportQuery]) -> Answer:
    """All transfers of a period, oldest first, as a file that is sent while it is read"""
    asked, context = call.query, call.context
    owner = await subject(call, asked.customer)
    symbol = None if asked.asset is None else context.asset(asked.asset).symbol
    span = await span_of(context, Period(asked.start, asked.end))
    if asked.customer is None and call.principal.is_platform:
        chunks = movements_of_platform(context, owner, span, symbol)
    else:
        chunks = movements_of_accounts(context, await accounts_of(context, owner, symbol), span)
    form = FileForm(asked.form)
    file = file_of(form, CUSTOMER_NAMES, customer_rows(context, chunks, sees_all=call.principal.sees_all))
    return Answer(Stream(file, form.media_type, f"transfers.{form}"))


ROUTES = (transfers,)
