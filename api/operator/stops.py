"""Stops: nothing of an asset, a network or at all is signed any more. Resuming is not over the API: it takes two enrolled
operators' signatures at the signer itself."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from api.routes import Answer, Call, any_of, route
from api.schema import Closed, Line, Moment, Nothing, Shown
from wallet.access.keys import Scope
from wallet.journal.body import time_text
from wallet.ports import SignerStatus
from wallet.stops.stop import stop_signing

WHY_MAX = 500


class StopBody(Closed):
    scope: str = Field(
        pattern=r"^(all|network:[A-Za-z0-9._-]{1,64}|asset:[A-Za-z0-9._-]{1,64})$", examples=["asset:ETH", "all"]
    )
    why: Annotated[str, Line, Field(min_length=1, max_length=WHY_MAX, examples=["withdrawals that nobody asked for"])]


class StopView(Shown):
    """`by` is "operators", or "breaker" where too much left within an hour and the signer stopped by itself."""

    scope: str
    why: str
    by: str
    at: Moment


class StopList(Shown):
    items: list[StopView]


@route("GET", "/v1/operator/stops", access=any_of(Scope.OPERATE_READ), answer=StopList)
async def list_stops(call: Call[Nothing, Nothing]) -> Answer:
    """What is stopped at the signer"""
    return Answer(_shown(await call.context.signer.status()))


@route("POST", "/v1/operator/stops", access=any_of(Scope.OPERATE), answer=StopList, refuses=("not_found",))
async def stop(call: Call[StopBody, Nothing]) -> Answer:
    """Stop signing, from the answer on"""
    return Answer(_shown(await stop_signing(call.context, call.principal.owner, call.body.scope, call.body.why)))


def _shown(status: SignerStatus) -> StopList:
    return StopList(
        items=[
            StopView(scope=one.scope, why=one.why, by=one.by, at=time_text(datetime.fromtimestamp(one.at, UTC)))
            for one in status.stops
        ]
    )


ROUTES = (list_stops, stop)
