"""Decide each item of a batch on what is true now, hand all Changes to the Journal together, decide the stale ones again."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.errors import AssetPaused, JournalUnavailable, NotFound, OutcomeUnknown, Refusal, Stale
from wallet.journal.change import Change, Committed, Request, Requirement
from wallet.journal.lanes import Lane
from wallet.vault.items import PersonErased

ATTEMPTS_MAX = 20  # rounds of decisions that others made stale, as for a single request
DECIDED_AT_ONCE = 100  # a few milliseconds, then others have their turn

_EXPECTED = (Refusal, Stale, JournalUnavailable, OutcomeUnknown)
Outcome = Committed | Refusal | Stale | JournalUnavailable | OutcomeUnknown | PersonErased
_Stop = Refusal | PersonErased | Stale


class Draft(Protocol):
    """Something that was asked for, as it was understood."""

    @property
    def request(self) -> Request: ...


AnyDraft = TypeVar("AnyDraft", bound=Draft)
Decide = Callable[[AnyDraft], Change]
"""Pure: the Change for one draft, or a `Refusal`; `Stale` where that rests on others of the batch being accepted."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Which assets may move, with the version of the row that says so."""

    requirements: Mapping[str, Requirement | AssetPaused]

    def requirement(self, symbol: str) -> Requirement:
        """Raises `AssetPaused`."""
        found = self.requirements[symbol]
        if isinstance(found, AssetPaused):
            raise found
        return found


async def look_at_assets(context: Context, symbols: Collection[str]) -> Allowed:
    """One query for all of them. Raises `NotFound` for an asset that was never listed."""
    table = schema.assets
    rows = await context.all(select(table).where(table.c.id.in_(symbols)))
    found = {row["id"]: row for row in rows}
    for symbol in symbols:
        if symbol not in found:
            raise NotFound("asset", symbol)
    return Allowed(
        {
            symbol: AssetPaused(symbol, row["pause_reason"])
            if row["paused"]
            else Requirement("assets", symbol, row["version"])
            for symbol, row in found.items()
        }
    )


async def commit_each(
    context: Context,
    drafts: Sequence[AnyDraft],
    look: Callable[[Sequence[AnyDraft]], Awaitable[Decide[AnyDraft]]],
) -> list[Outcome]:
    """What became of each, in order. Nothing is raised for one that could not be done: the others go on.

    `look` reads what the decisions rest on, for all that are open, and returns how to decide.
    """
    outcomes: dict[int, Outcome] = {}
    pending = list(range(len(drafts)))
    for _ in range(ATTEMPTS_MAX):
        decided = await _decide_each(await look([drafts[n] for n in pending]), {n: drafts[n] for n in pending})
        outcomes |= await _committed(context, {n: d for n, d in decided.items() if isinstance(d, Change)})
        outcomes |= await _recalled(context, drafts, {n: d for n, d in decided.items() if not isinstance(d, Change)})
        pending = [n for n in pending if isinstance(outcomes[n], Stale)]
        if not pending:
            break
    return [outcomes[n] for n in range(len(drafts))]


async def _decide_each(decide: Decide[AnyDraft], drafts: Mapping[int, AnyDraft]) -> dict[int, Change | _Stop]:
    decided: dict[int, Change | _Stop] = {}
    for number, draft in drafts.items():
        try:
            decided[number] = decide(draft)
        except (Refusal, PersonErased, Stale) as stop:
            decided[number] = stop
        if len(decided) % DECIDED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return decided


async def _committed(context: Context, changes: Mapping[int, Change]) -> dict[int, Outcome]:
    """All at once and in order, so that they share the Journal's transactions."""
    committing = [context.journal.commit(change, Lane.BULK) for change in changes.values()]
    answers = await asyncio.gather(*committing, return_exceptions=True)
    outcomes: dict[int, Outcome] = {}
    for number, answer in zip(changes, answers, strict=True):
        if isinstance(answer, BaseException) and not isinstance(answer, _EXPECTED):
            raise answer
        outcomes[number] = answer
    return outcomes


async def _recalled(context: Context, drafts: Sequence[AnyDraft], stopped: Mapping[int, _Stop]) -> dict[int, Outcome]:
    """What stopped a decision before the Journal must not contradict an earlier yes under the same key."""
    earlier = await context.journal.recall_each([drafts[number].request for number in stopped])
    return {number: known or stop for (number, stop), known in zip(stopped.items(), earlier, strict=True)}
