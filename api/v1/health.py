"""Is it alive, and can it do its work. Reasons are words for a load balancer; what happened stands in the log."""

import asyncio
from collections.abc import Awaitable
from typing import Literal

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from api.routes import PUBLIC, Answer, Call, route
from api.schema import Nothing, Shown
from wallet import schema
from wallet.context import Context
from wallet.errors import JournalUnavailable
from wallet.ports import SignerUnavailable

LOOK_LIMIT_S = 3  # load balancers ask every few seconds and give up soon
_log = structlog.get_logger("api")

Reason = Literal["database", "journal", "signer_locked", "signer"]


class HealthView(Shown):
    status: Literal["alive"]


class ReadyView(Shown):
    status: Literal["ready", "not_ready"]
    reasons: list[Reason]


@route("GET", "/health", access=PUBLIC, answer=HealthView)
async def show_health(_call: Call[Nothing, Nothing]) -> Answer:
    """Does the process answer"""
    return Answer(HealthView(status="alive"))


@route("GET", "/ready", access=PUBLIC, answer=ReadyView, statuses=(200, 503))
async def show_ready(call: Call[Nothing, Nothing]) -> Answer:
    """Can the node do its work: database, journal, signer"""
    looks = await asyncio.gather(_database(call.context), _signer(call.context))
    reasons = [reason for reason in (*looks, _journal(call.context)) if reason is not None]
    status: Literal["ready", "not_ready"] = "not_ready" if reasons else "ready"
    return Answer(ReadyView(status=status, reasons=reasons), 503 if reasons else 200)


_FAILURES = (OSError, TimeoutError, SQLAlchemyError, SignerUnavailable)


async def _database(context: Context) -> Reason | None:
    return None if await _answers("database", context.one(select(schema.journal_head.c.seq))) else "database"


def _journal(context: Context) -> Reason | None:
    """The writer takes what has queued while it wrote: a full queue means that it does not get on."""
    try:
        context.journal.check()
    except JournalUnavailable:
        return "journal"
    return "journal" if context.journal.is_full else None


async def _signer(context: Context) -> Reason | None:
    status = asyncio.ensure_future(context.signer.status())
    if not await _answers("signer", status):
        return "signer"
    return "signer_locked" if status.result().locked else None


async def _answers(what: str, answer: Awaitable[object]) -> bool:
    try:
        async with asyncio.timeout(LOOK_LIMIT_S):
            await answer
    except _FAILURES as error:
        _log.warning("not_ready", what=what, error=type(error).__name__)
        return False
    return True


ROUTES = (show_health, show_ready)
