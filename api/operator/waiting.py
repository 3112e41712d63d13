"""What waits for an operator: deposits that are not credited by themselves, and strays."""

from pydantic import Field

from api.pages import page_of_tables
from api.routes import Answer, Call, any_of, route
from api.schema import Nothing, Paging, Shown
from api.v1.deposits import DepositView, shown
from wallet import schema
from wallet.access.keys import Scope
from wallet.deposits.states import QUARANTINED
from wallet.strays.states import State


class WaitingView(DepositView):
    customer: str | None = Field(description="Whose address it came to; null where nobody knows.")


class WaitingPage(Shown):
    items: list[WaitingView]
    next_cursor: str | None


@route(
    "GET",
    "/v1/operator/waiting",
    access=any_of(Scope.OPERATE_READ),
    answer=WaitingPage,
    refuses=("invalid_cursor",),
)
async def list_waiting(call: Call[Nothing, Paging]) -> Answer:
    """Quarantined deposits and strays that nothing was done with, newest first"""
    wanted = {
        "dep": (schema.deposits, schema.deposits.c.state == QUARANTINED),
        "str": (schema.strays, schema.strays.c.state == State.SEEN.value),
    }
    rows, following = await page_of_tables(call, "waiting", wanted)
    items = [
        WaitingView.model_validate({**item.model_dump(), "customer": row["owner"]})
        for row, item in zip(rows, await shown(call.context, rows), strict=True)
    ]
    return Answer(WaitingPage(items=items, next_cursor=following))


ROUTES = (list_waiting,)
