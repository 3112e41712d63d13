"""Post settlements: all legs of one in one Change, many settlements together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from wallet.batches.commit import Allowed, Decide, Outcome, commit_each, look_at_assets
from wallet.context import Context
from wallet.ids import CustomerId, HoldId, SettlementId
from wallet.journal.body import time_text
from wallet.journal.change import Change, Committed, EventKind, Insert, Request, Requirement, Update
from wallet.journal.recall import repeatable
from wallet.ledger import templates
from wallet.settlements.holds import OpenHolds, look_at_holds
from wallet.settlements.legs import Held, Leg, Settled, check_leg, settled_leg
from wallet.turns import turn

BATCH_MAX = 500  # settlements a request


@dataclass(frozen=True, slots=True)
class SettlementDraft:
    """One settlement between accounts that were looked up and are the platform's."""

    platform: CustomerId
    legs: tuple[Leg, ...]
    client_reference: str | None
    request: Request


async def post_settlement(context: Context, actor: str, draft: SettlementDraft) -> Committed:
    """All legs or none; the legs are judged in order, so that a later one may spend what an earlier one brought.

    Raises `InsufficientFunds`, `HoldNotOpen`, `NotFound` for a hold, `AccountFrozen`, `AssetPaused`, `AmountRefused`,
    `NotAllowed`, and `AlreadyExists` for a `client_reference` that the platform has used. A retry under the same key
    returns the first answer.
    """

    async def decide() -> Change:
        return (await _look(context, actor, [draft]))(draft)

    async with turn(_holds([draft])):
        return await repeatable(context.journal, draft.request, decide, context.recent)


async def post_settlements(context: Context, actor: str, drafts: Sequence[SettlementDraft]) -> list[Outcome]:
    """What became of each, in order; one that is refused leaves the others as they are."""
    async with turn(_holds(drafts)):
        return await commit_each(context, drafts, partial(_look, context, actor))


async def _look(context: Context, actor: str, drafts: Sequence[SettlementDraft]) -> Decide[SettlementDraft]:
    """What deciding these rests on: which assets may move, and the holds that they name."""
    allowed = await look_at_assets(context, _symbols(drafts))
    holds = await look_at_holds(context, _holds(drafts))
    return partial(decide_settlement, context, actor, allowed, holds)


def _holds(drafts: Sequence[SettlementDraft]) -> set[HoldId]:
    return {leg.source.hold for draft in drafts for leg in draft.legs if isinstance(leg.source, Held)}


def _symbols(drafts: Sequence[SettlementDraft]) -> set[str]:
    return {leg.amount.asset.symbol for draft in drafts for leg in draft.legs}


def decide_settlement(
    context: Context, actor: str, allowed: Allowed, holds: OpenHolds, draft: SettlementDraft
) -> Change:
    """Pure. What it takes out of `holds` counts for whoever decides on them next."""
    for leg in draft.legs:
        check_leg(leg, draft.platform)
    unpaused = [allowed.requirement(symbol) for symbol in sorted(_symbols([draft]))]
    now = context.clock.now()
    drawing = holds.drawing(draft.platform, now)
    settled = [
        drawing.settled_leg(leg, leg.source.hold) if isinstance(leg.source, Held) else settled_leg(leg, leg.source)
        for leg in draft.legs
    ]
    settlement = SettlementId(context.new_id("stl"))
    return settlement_change(actor, settlement, draft, settled, now, tuple(unpaused), drawing.done())


def settlement_change(
    actor: str,
    settlement: SettlementId,
    draft: SettlementDraft,
    settled: Sequence[Settled],
    at: datetime,
    unpaused: tuple[Requirement, ...],
    drawn: tuple[Update, ...],
) -> Change:
    """The event does not tell the legs, since each party sees it: one's own movements stand in one's history."""
    view = {"id": settlement, "platform": draft.platform, "legs": len(settled), "created_at": time_text(at)}
    row: dict[str, Any] = {
        "id": settlement,
        "platform": draft.platform,
        "legs": [leg.row for leg in settled],
        "client_reference": draft.client_reference,
        "created_at": at,
    }
    parties = [*[leg.giver for leg in settled], *[leg.target.owner for leg in draft.legs]]
    return Change(
        actor=actor,
        kind=EventKind.SETTLEMENT_POSTED,
        data=view,
        entry=templates.trade_settled([leg.entry for leg in settled]),
        requires=(*draft.request.standing, *unpaused),
        writes=(Insert("settlements", row), *drawn),
        viewers=tuple(dict.fromkeys((draft.platform, *parties))),
        metered=True,  # a trade among a platform's customers is no exit: what leaves the platform is
        request=draft.request,
        result=view,
    )
