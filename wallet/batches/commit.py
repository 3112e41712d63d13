"""Decide each item of a batch on what is true now, hand all Changes to the Journal together, decide the stale ones again."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.errors import AssetPaused, JournalUnavailable, NotFound, OutcomeUnknown, Refusal, Stale, Unmetered
from wallet.journal.change import Change, Committed, Request, Requirement
from wallet.journal.lanes import Lane
from wallet.vault.items import PersonErased

ATTEMPTS_MAX = 20  # rounds of decisions that others made stale, as for a single request
DECIDED_AT_ONCE = 100  # a few milliseconds, then others have their turn

EXPECTED = (Refusal, Stale, JournalUnavailable, OutcomeUnknown)
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
    """As they were read lately; one query for those that were not. Callers drop from `recent` what proves `Stale`. Raises
    `NotFound` for an asset that was never listed."""
    kept = {symbol: context.recent.get("assets", symbol) for symbol in symbols}
    found: dict[str, Requirement | AssetPaused] = {
        symbol: known["requirement"] for symbol, known in kept.items() if known is not None
    }
    missing = [symbol for symbol in symbols if symbol not in found]
    table = schema.assets
    for row in await context.all(select(table).where(table.c.id.in_(missing))) if missing else ():
        found[row["id"]] = context.remember_unpaused(row)
    for symbol in missing:
        if symbol not in found:
            raise NotFound("asset", symbol)
    return Allowed(found)


async def commit_each(
    context: Context,
    drafts: Sequence[AnyDraft],
    look: Callable[[Sequence[AnyDraft]], Awaitable[Decide[AnyDraft]]],
) -> list[Outcome]:
    """What became of each, in order. Nothing is raised for one that could not be done: the others go on. Raises `Stale` if the
    key that asks does not stand any more. `Unmetered` is left to the caller, who asks for limits.

    `look` reads what the decisions rest on, for all that are open, and returns how to decide.
    """
    outcomes: dict[int, Outcome] = {}
    pending = list(range(len(drafts)))
    for _ in range(ATTEMPTS_MAX):
        decided = await _decide_each(await look([drafts[n] for n in pending]), {n: drafts[n] for n in pending})
        outcomes |= await _committed(context, {n: d for n, d in decided.items() if isinstance(d, Change)})
        outcomes |= await _recalled(context, drafts, {n: d for n, d in decided.items() if not isinstance(d, Change)})
        stale = {n: end for n, end in outcomes.items() if isinstance(end, Stale) and not isinstance(end, Unmetered)}
        _raise_not_admitted(stale.values())
        for end in stale.values():
            context.recent.drop(end.table, end.row_id)
        pending = list(stale)
        if not pending:
            break
    return [outcomes[n] for n in range(len(drafts))]


def _raise_not_admitted(ends: Iterable[Stale]) -> None:
    """Whether a key still stands is for whoever admitted it to find out, as for a single request."""
    for stale in ends:
        if stale.table == "api_keys":
            raise stale


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
    committing: dict[int, asyncio.Future[Committed]] = {}
    outcomes: dict[int, Outcome] = {}
    for number, change in changes.items():
        try:
            committing[number] = context.journal.submit(change, Lane.BULK)
        except JournalUnavailable as full:
            outcomes[number] = full
    for number, answer in committing.items():
        try:
            outcomes[number] = await answer
        except EXPECTED as end:
            outcomes[number] = end
    return outcomes


async def _recalled(context: Context, drafts: Sequence[AnyDraft], stopped: Mapping[int, _Stop]) -> dict[int, Outcome]:
    """What stopped a decision before the Journal must not contradict an earlier yes under the same key."""
    earlier = await context.journal.recall_each([drafts[number].request for number in stopped])
    return {number: known or stop for (number, stop), known in zip(stopped.items(), earlier, strict=True)}
