"""Settle one hold, whole or in part: a settlement of a single leg, decided as any other."""

from msgspec.structs import replace

from wallet.batches.commit import look_at_assets
from wallet.context import Context
from wallet.errors import HoldNotOpen, NotFound
from wallet.holds.states import State, hold_view
from wallet.ids import CustomerId, HoldId
from wallet.journal.change import Change, Committed, Request
from wallet.journal.recall import repeatable
from wallet.money import Amount
from wallet.settlements.holds import look_at_holds
from wallet.settlements.legs import Held, Leg, Place
from wallet.settlements.post import SettlementDraft, decide_settlement
from wallet.turns import turn


async def settle_hold(
    context: Context,
    actor: str,
    platform: CustomerId,
    hold: HoldId,
    target: Place,
    amount: Amount | None,
    client_reference: str | None,
    request: Request,
) -> Committed:
    """Pay the amount, or all that is left when the Change is decided, out of the hold. The result is the hold as it is then,
    with the settlement's id.

    Raises `NotFound`, `HoldNotOpen`, `AssetPaused`, `AmountRefused`, `NotAllowed`, `AccountClosed`, and `AlreadyExists` for a
    `client_reference` that the platform has used. A retry under the same key returns the first answer.
    """

    async def decide() -> Change:
        holds = await look_at_holds(context, [hold])
        row = holds.rows.get(hold)
        if row is None or row["platform"] != platform:
            raise NotFound("hold", hold)
        if row["state"] != State.PLACED:
            raise HoldNotOpen(hold, "0")
        asset = context.asset(row["asset"])
        paid = Amount(row["units"] - row["settled_units"], asset) if amount is None else amount
        draft = SettlementDraft(platform, (Leg(Held(hold), target, paid),), client_reference, request)
        change = decide_settlement(context, actor, await look_at_assets(context, [asset.symbol]), holds, draft)
        after = hold_view(holds.rows[hold], asset.decimals)
        return replace(change, result={**after, "settlement": change.result["id"]})

    async with turn([hold]):
        return await repeatable(context.journal, request, decide, context.recent)
