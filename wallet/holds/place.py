"""Place a hold: money of a customer is promised, and counts against what is available from the commit on."""

from datetime import datetime

from wallet.context import Context
from wallet.errors import AmountRefused, HoldEndRefused
from wallet.holds.states import State, hold_view
from wallet.ids import CustomerId, HoldId
from wallet.journal.change import Change, Committed, EventKind, Insert, Request
from wallet.journal.recall import repeatable
from wallet.ledger import templates
from wallet.money import Amount


async def place_hold(
    context: Context,
    actor: str,
    platform: CustomerId,
    owner: CustomerId,
    amount: Amount,
    expires_at: datetime | None,
    client_reference: str | None,
    request: Request,
) -> Committed:
    """Hold the amount until it is settled, voided, or `expires_at` has passed.

    Raises `AmountRefused`, `HoldEndRefused` for an end in the past, `AssetPaused`, `InsufficientFunds`, `AccountFrozen`, and
    `AlreadyExists` for a `client_reference` that the platform has used. A retry under the same key returns the first answer.
    """

    async def decide() -> Change:
        now = context.clock.now()
        if not amount:
            raise AmountRefused("a hold promises at least one base unit")
        if expires_at is not None and expires_at <= now:
            raise HoldEndRefused
        unpaused = await context.unpaused(amount.asset)
        hold = HoldId(context.new_id("hld"))
        row = {
            "id": hold,
            "platform": platform,
            "owner": owner,
            "asset": amount.asset.symbol,
            "units": amount.units,
            "settled_units": 0,
            "state": State.PLACED.value,
            "client_reference": client_reference,
            "expires_at": expires_at,
            "created_at": now,
            "ended_at": None,
        }
        view = hold_view(row, amount.asset.decimals)
        return Change(
            actor=actor,
            kind=EventKind.HOLD_PLACED,
            data=view,
            entry=templates.hold_placed(owner, amount, hold),
            requires=(*request.standing, unpaused),
            writes=(Insert("placed_holds", row),),
            viewers=tuple(dict.fromkeys((platform, owner))),
            metered=True,  # it is settled among the platform's customers, or given back
            request=request,
            result=view,
        )

    return await repeatable(context.journal, request, decide)
