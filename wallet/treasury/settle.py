"""How a submission ends: paid, included and reverted, or provably dead. The books then say what was really paid."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from wallet import schema
from wallet.assets.pause import pausing
from wallet.context import Context, Record, amount_of
from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.journal.change import Insert, Update
from wallet.ledger import templates
from wallet.ledger.transfers import Entry
from wallet.money import Amount
from wallet.ports import Network, Purpose, Source, Status
from wallet.strays.states import State as StrayState
from wallet.treasury import coins
from wallet.treasury.plan import arrival, places
from wallet.treasury.record import REVERTED, record
from wallet.treasury.recoveries import told_of
from wallet.treasury.states import State
from wallet.treasury.variants import Outcome

CANCELLED = "refused by the signer: its nonce was used up by a payment of nothing"


async def settle(context: Context, rail: Network, row: Record, withdrawals: list[Record], outcome: Outcome) -> None:
    """Final: book what was really paid. A tx that was included and reverted costs its fee and pays nobody; of one that paid
    some and not others the row says from now on what it paid."""
    status = outcome.status
    network, purpose, amount = NetworkId(row["network"]), Purpose(row["purpose"]), amount_of(context, row)
    fee_max = Amount(row["fee_max"], context.asset(row["fee_asset"]))
    fee_paid = status.fee_paid or fee_max
    place, fee_place = places(network, purpose, amount, fee_max)
    fees = templates.submission_final(network, fee_max, fee_paid, fee_place) if fee_max else ()
    values = {"fee_paid": fee_paid.units, **_block_values(status), **outcome.row_values(row)}
    moved_coins = (
        await _coins_after(context, {**row, **values}, network) if rail.capabilities.source is Source.UTXO else ()
    )
    if not status.succeeded:
        back = templates.submission_arrived(place, network, amount)
        entry = (*back, *fees, *_released(context, withdrawals))
        values["reason"] = REVERTED if outcome.variant.pays else CANCELLED
        await record(
            context,
            row,
            withdrawals,
            State.DEAD,
            values,
            entry=entry,
            writes=(*moved_coins, *await unswept(context, row)),
            told=await told_of(context, row, StrayState.SEEN),
        )
        return
    own, failed = arrival(network, purpose, amount), frozenset(status.failed)
    moved = templates.submission_arrived(own, network, amount) if own else _paid(context, withdrawals, failed)
    told = await told_of(context, row, StrayState.RECOVERED)
    if failed:
        stayed = Amount(sum(int(w["units"]) for w in withdrawals if w["id"] in failed), amount.asset)
        moved = (*moved, *templates.submission_arrived(place, network, stayed))
        values["units"] = amount.units - stayed.units
    entry = (*moved, *fees)
    await record(
        context, row, withdrawals, State.FINAL, values, entry=entry, writes=moved_coins, told=told, unpaid=failed
    )


async def bury(
    context: Context, row: Record, withdrawals: list[Record], reason: str, caught_up: tuple[Insert | Update, ...] = ()
) -> None:
    """Provably dead: it can never be included, so the holds may end and the value is where it was. What took its nonce or
    inputs was not signed here, so the asset stops in the same Change. `caught_up` moves our own count of nonces on, so
    that what is paid next does not die the same way."""
    network, purpose, amount = NetworkId(row["network"]), Purpose(row["purpose"]), amount_of(context, row)
    fee_max = Amount(row["fee_max"], context.asset(row["fee_asset"]))
    place, fee_place = places(network, purpose, amount, fee_max)
    back = templates.submission_arrived(place, network, amount)
    fee_back = templates.submission_arrived(fee_place, network, fee_max) if fee_max else ()
    entry = (*back, *fee_back, *_released(context, withdrawals))
    why = (
        f"{row['id']} is dead: {', '.join(row['consumes'])} was used by something that this node did not sign."
        " Find out who else has the key before you resume this asset"
    )
    writes = (*await unswept(context, row), *await pausing(context, row["asset"], why), *caught_up)
    told = await told_of(context, row, StrayState.SEEN)
    await record(context, row, withdrawals, State.DEAD, {"reason": reason}, entry=entry, writes=writes, told=told)


def _block_values(status: Status) -> dict[str, Any]:
    return {"height": status.block.height, "block": status.block.id} if status.block else {}


def _paid(context: Context, withdrawals: list[Record], failed: Collection[str]) -> Entry:
    """What was held for each is paid, or free again where its payment failed among others."""
    settled = [w for w in withdrawals if w["id"] not in failed]
    entry = tuple(t for w in settled for t in templates.withdrawal_settled(*_held(context, w)))
    return (*entry, *_released(context, [w for w in withdrawals if w["id"] in failed]))


def _released(context: Context, withdrawals: list[Record]) -> Entry:
    return tuple(t for w in withdrawals for t in templates.withdrawal_released(*_held(context, w)))


def _held(context: Context, row: Record) -> tuple[CustomerId, NetworkId, Amount, Amount, HoldId, HoldId]:
    amount, fee = amount_of(context, row), amount_of(context, row, "fee_units")
    owner, network = CustomerId(row["owner"]), NetworkId(row["network"])
    return owner, network, amount, fee, HoldId(row["hold"]), HoldId(row["fee_hold"])


async def _coins_after(context: Context, row: Record, network: NetworkId) -> tuple[Insert | Update, ...]:
    """The inputs are spent, the change is spendable."""
    spent = await coins.spent_coins(context, network, row["consumes"])
    return (*spent, coins.change_coin(network, row["change"])) if row["change"] else spent


async def unswept(context: Context, row: Record) -> tuple[Update, ...]:
    """A sweep that did not happen leaves its deposits to be swept by another."""
    if row["purpose"] != Purpose.SWEEP:
        return ()
    table = schema.deposits
    rows = await context.all(select(table).where(table.c.swept_by == row["id"]))
    return tuple(Update("deposits", r["id"], r["version"], {"swept_by": None}) for r in rows)
