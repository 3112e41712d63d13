"""Pay requested withdrawals in order: build, ask the signer's policy, reserve, and hand over to the submission's own life."""

from collections.abc import Mapping

import structlog
from sqlalchemy import select

from wallet import schema
from wallet.context import ACTOR_NODE, Context, Record, amount_of
from wallet.customers.viewers import viewers_of
from wallet.errors import (
    AccountFrozen,
    AlreadyExists,
    AssetPaused,
    InsufficientFunds,
    NetworkHalted,
    Stale,
    TokenSuspended,
)
from wallet.ids import CustomerId, SubmissionId
from wallet.journal.change import Change, EventKind, Update
from wallet.ledger.accounts import Flags, customer_balance
from wallet.networks.halt import is_halted
from wallet.points import point
from wallet.ports import (
    CostTooHigh,
    Destination,
    FundsShort,
    Ground,
    Instruction,
    Network,
    NetworkError,
    NetworkRejected,
    Purpose,
    RecipientRefuses,
    SignerRefused,
    SignerUnavailable,
)
from wallet.treasury.drive import ask_signer, refuse_away, sign
from wallet.treasury.rotation import is_moving
from wallet.treasury.sources import house_address, next_source
from wallet.treasury.submissions import Plan, paid_by, plan_paths, reserve
from wallet.vault.items import PersonErased
from wallet.vault.vault import RevealPurpose
from wallet.withdrawals.cancel import released
from wallet.withdrawals.states import Reason, State, Wait, follow
from wallet.withdrawals.view import withdrawal_view
from wallet.withdrawals.waiting import ALL_ASSETS, note_waits

STEP_MAX = 50  # withdrawals begun in one step, so that following the earlier ones gets its turn

_WAITS: Mapping[type[Exception], Wait] = {
    FundsShort: Wait.FUNDS,
    InsufficientFunds: Wait.FUNDS,
    AssetPaused: Wait.ASSET_PAUSED,
    TokenSuspended: Wait.ASSET_PAUSED,
    NetworkHalted: Wait.NETWORK_HALTED,
    SignerRefused: Wait.LIMIT,
}
_REASONS: Mapping[type[Exception], Reason] = {
    RecipientRefuses: Reason.RECIPIENT_REFUSES,
    CostTooHigh: Reason.COST_TOO_HIGH,
}

_log = structlog.get_logger("withdrawals")


async def pay_withdrawals(context: Context, network: Network) -> None:
    """Begin what has been requested. An asset whose funds are short, or whose limit is used up, waits in order; whatever
    waits or cannot be built now, be it of one customer or many, stops nothing else. Raises the network's errors when it
    is away.
    """
    if await is_halted(context, network.id) or await is_moving(context, network):
        return
    short: dict[str, Wait] = {}
    begun, after = 0, ""
    try:
        while begun < STEP_MAX and (rows := await _requested(context, network, short, after)):
            after = rows[-1]["id"]
            for row in rows:
                if row["asset"] not in short and await _is_begun(context, network, row, short):
                    begun += 1
    except SignerUnavailable:
        short = {ALL_ASSETS: Wait.SIGNER}
        raise
    finally:
        await note_waits(context, network.id, short)


async def _requested(context: Context, network: Network, short: Mapping[str, Wait], after: str) -> list[Record]:
    """The next page of requested withdrawals. Those that nothing can be done for are not in it, so that they fill no page."""
    table, accounts = schema.withdrawals, schema.accounts
    of_owner = (
        (accounts.c.owner == table.c.owner) & (accounts.c.asset == table.c.asset) & (accounts.c.code == "balance")
    )
    wanted = select(table).join(accounts, of_owner)
    mine = wanted.where(table.c.network == network.id, table.c.state == State.REQUESTED.value, table.c.id > after)
    payable = mine.where(accounts.c.flags.op("&")(int(Flags.FROZEN)) == 0, table.c.asset.not_in(list(short)))
    return await context.all(payable.order_by(table.c.id).limit(STEP_MAX))


async def _is_begun(context: Context, network: Network, row: Record, short: dict[str, Wait]) -> bool:
    """False for one that waits; an asset that has to wait is added to `short`."""
    try:
        await _begin(context, network, row)
    except (FundsShort, InsufficientFunds, AssetPaused, NetworkHalted, SignerRefused) as wait:
        short[row["asset"]] = _wait_of(wait)
        _log.debug("withdrawal_waits", withdrawal=row["id"], why=type(wait).__name__)
    except NetworkError as error:
        await refuse_away(network, error)
        _log.warning("withdrawal_waits", withdrawal=row["id"], reason=str(error))
    except AccountFrozen:
        _log.debug("withdrawal_waits", withdrawal=row["id"], why="AccountFrozen")
    except (Stale, AlreadyExists):
        _log.info("withdrawal_taken_elsewhere", withdrawal=row["id"])
    else:
        return True
    return False


def _wait_of(refusal: Exception) -> Wait:
    stopped = isinstance(refusal, SignerRefused) and refusal.ground is Ground.STOPPED
    return Wait.STOPPED if stopped else _WAITS[type(refusal)]


class _NotPayable(Exception):
    """No tx or file can be built that makes this payment; `reason` is what its owner is told."""

    def __init__(self, refusal: Exception) -> None:
        super().__init__(str(refusal))
        found = (reason for kind, reason in _REASONS.items() if isinstance(refusal, kind))
        self.reason = next(found, Reason.NOT_CARRIED)


async def _begin(context: Context, network: Network, row: Record) -> None:
    await context.unpaused(context.asset(row["asset"]))
    await _refuse_frozen(context, row)
    try:
        plan = await _plan(context, network, row)
    except _NotPayable as refusal:  # nothing is signed yet: what cannot be built cannot be paid
        await _reject(context, row, refusal.reason, str(refusal))
        return
    try:
        await ask_signer(context, network, plan)
    except SignerRefused as refusal:
        if refusal.ground is not Ground.POLICY:
            raise
        await _reject(context, row, Reason.NOT_ALLOWED, str(refusal))
        return
    point("withdrawal.after_check")
    submission = await reserve(context, network, plan)
    point("withdrawal.after_reserve")
    await sign(context, network, submission, await paid_by(context, plan.id))


async def _refuse_frozen(context: Context, row: Record) -> None:
    """A customer frozen after the request: the money stays held, and nothing leaves until somebody unfreezes them."""
    account = customer_balance(CustomerId(row["owner"]), context.asset(row["asset"])).id
    found = await context.one(select(schema.accounts.c.flags).where(schema.accounts.c.id == account))
    if found is not None and found["flags"] & Flags.FROZEN:
        raise AccountFrozen(account)


async def _plan(context: Context, network: Network, row: Record) -> Plan:
    submission = SubmissionId(context.new_id("sub"))
    hot = await house_address(context, network.id)
    source = await next_source(context, network, submission, hot)
    amount = amount_of(context, row)
    fee = await network.estimate_fee(amount.asset)
    try:
        instruction = Instruction(row["id"], await _destination(context, row), amount)
        unsigned = await network.build([instruction], source.source, fee)
    except (NetworkRejected, ValueError, PersonErased) as refusal:
        raise _NotPayable(refusal) from refusal
    paths = plan_paths(source, unsigned)
    target = row["destination"]
    return Plan(submission, Purpose.WITHDRAWAL, amount, hot.address, target, source, unsigned, paths, (row,))


async def _destination(context: Context, row: Record) -> Destination:
    if row["destination_item"] is None:
        return Destination(row["destination"])
    clear = await context.reveal(row["destination_item"], RevealPurpose.BUILD_SUBMISSION)
    return Destination(clear["address"], clear["name"])


async def _reject(context: Context, row: Record, reason: Reason, detail: str) -> None:
    """It cannot be built, or the signer's policy says no: the money goes back. The customer reads the reason; the detail,
    which tells of the inside, is for operators."""
    _log.warning("withdrawal_rejected", withdrawal=row["id"], reason=reason, detail=detail)
    values = {"state": follow(State(row["state"]), State.REJECTED).value, "reason": reason.value}
    change = Change(
        actor=ACTOR_NODE,
        kind=EventKind.WITHDRAWAL_REJECTED,
        data=withdrawal_view({**row, **values}, context.asset(row["asset"]).decimals),
        entry=released(context, row),
        writes=(Update("withdrawals", row["id"], row["version"], values),),
        viewers=await viewers_of(context, row["owner"]),
    )
    await context.journal.commit(change)
