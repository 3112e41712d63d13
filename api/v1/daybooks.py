"""Daybooks: a platform's settlement file of one day, which never changes."""

from collections.abc import AsyncGenerator
from datetime import date
from typing import Literal

from pydantic import Field

from api.auth import subject
from api.errors import Problem
from api.routes import Answer, Call, any_of, route
from api.schema import Closed, CustomerName, Nothing
from api.spool import spooled
from api.streaming import Stream
from wallet.access.keys import Scope
from wallet.daybooks.files import daybook_file
from wallet.daybooks.open import find_day, open_daybook
from wallet.errors import NotFound
from wallet.exports.files import CSV_TYPE, NDJSON_TYPE, FileForm

FIRST_YEAR, LAST_YEAR = 1970, 9000  # as of moments


class DaybookQuery(Closed):
    form: Literal["csv", "ndjson"] = Field(default="csv", alias="format")
    customer: CustomerName | None = Field(default=None, description="Operators name the platform.")


@route(
    "GET",
    "/v1/daybooks/{day}",
    access=any_of(Scope.PLATFORM, Scope.OPERATE_READ),
    answer=(CSV_TYPE, NDJSON_TYPE),
    refuses=("not_found", "period_open", "moment_archived"),
)
async def show(call: Call[Nothing, DaybookQuery]) -> Answer:
    """All movements of a platform's accounts and its customers' on one day of UTC, between opening and closing totals"""
    owner, day = await subject(call, call.query.customer), _day(call.path["day"])
    if not call.principal.is_operator and owner != call.principal.owner:
        raise NotFound("platform", owner)
    form = FileForm(call.query.form)
    _, tag = await find_day(call.context, owner, day)
    headers = {"ETag": f'"{tag}-{form}"'}
    return Answer(Stream(spooled(_made(call, owner, day, form), headers), form.media_type, f"{day}.{form}", headers))


async def _made(
    call: Call[Nothing, DaybookQuery], owner: str, day: date, form: FileForm
) -> AsyncGenerator[bytes, None]:
    """Nothing is read before somebody wants the first part."""
    async for part in daybook_file(call.context, await open_daybook(call.context, owner, day), form):
        yield part


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Problem("not_found", "there is no such day") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Problem("not_found", "there is no such day in these books")
    return day


ROUTES = (show,)
