"""Reserve: nonce, inputs or file name belong to one submission for ever, and its value is in transit, in one Change."""

from typing import Any

from wallet.context import ACTOR_NODE, Context, Record
from wallet.journal.change import Change, EventKind, Insert
from wallet.ledger import templates
from wallet.listings.carried import carried
from wallet.networks.halt import running
from wallet.ports import Network
from wallet.treasury.plan import Plan, places
from wallet.treasury.record import sealed_bytes, withdrawal_update
from wallet.treasury.recoveries import recovering, told_as
from wallet.treasury.states import State
from wallet.treasury.submissions import submission_view
from wallet.vault.items import SealedItem


async def reserve(context: Context, network: Network, plan: Plan) -> Record:
    """Make the plan the only submission that may ever use its nonce, inputs or file name. Raises `AssetPaused`,
    `NetworkHalted`, `Stale` (a pause in between is one), and `InsufficientFunds` when the place it spends from does not hold
    enough."""
    unpaused = (await context.unpaused(plan.amount.asset), *await carried(context, network, plan.amount.asset))
    needs = (*unpaused, await running(context, network.id))
    place, fee_place = places(network.id, plan.purpose, plan.amount, plan.unsigned.fee_max)
    sealed = sealed_bytes(context, network, plan.withdrawals, plan.unsigned.payload)
    row = _row(context, network, plan, sealed)
    links = tuple(
        Insert("submission_withdrawals", {"id": f"{plan.id}/{w['id']}", "submission": plan.id, "withdrawal": w["id"]})
        for w in plan.withdrawals
    )
    change = Change(
        actor=ACTOR_NODE,
        kind=EventKind.SUBMISSION_RESERVED,
        data=submission_view(context, row),
        entry=templates.submission_reserved(place, network.id, plan.amount, plan.unsigned.fee_max, fee_place),
        requires=needs,
        writes=(
            Insert("submissions", row),
            *links,
            *plan.next_source.reservation(network.id, plan.id, plan.unsigned),
            *(withdrawal_update(w, State.RESERVED, {}) for w in plan.withdrawals),
            *plan.more_writes,
        ),
        vault=(sealed,) if sealed else (),
    )
    if plan.recovery is not None:
        change = told_as(change, await recovering(context, plan.recovery, plan.id))
    await context.journal.commit(change)
    return {**row, "version": 1}


def _row(context: Context, network: Network, plan: Plan, sealed: SealedItem | None) -> dict[str, Any]:
    change = plan.unsigned.change
    return {
        "id": plan.id,
        "network": network.id,
        "purpose": plan.purpose.value,
        "state": State.RESERVED.value,
        "asset": plan.amount.asset.symbol,
        "units": plan.amount.units,
        "fee_asset": plan.unsigned.fee_max.asset.symbol,
        "fee_max": plan.unsigned.fee_max.units,
        "fee_paid": None,
        "source": plan.source,
        "target": plan.target,
        "paths": plan.paths,
        "consumes": plan.unsigned.consumes,
        "unsigned": None if sealed else plan.unsigned.payload,
        "unsigned_item": sealed.id if sealed else None,
        "signed": None,
        "signed_item": None,
        "tx": None,
        "change": _change_row(change.outpoint, change.units, change.address, change.path) if change else None,
        "height": None,
        "block": None,
        "reason": None,
        "created_at": context.clock.now(),
        "replacements": None,
        "mined": None,
        "urged": None,
    }


def _change_row(outpoint: str, units: int, address: str, path: str) -> dict[str, str]:
    return {"outpoint": outpoint, "units": str(units), "address": address, "path": path}
