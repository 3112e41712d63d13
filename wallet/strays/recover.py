"""Send a stray to where its owner wants it, as two operators approved: from the address it lies on, paid for by the house.

What this prevents: sending back what is not there, what may still be taken back, or what has become a deposit meanwhile; and
doing it twice (the stray, the proposal and the submission move in one Change). The signer believes none of this: it decodes
the tx and wants its own approvers' signatures over that very act, and is asked before anything is spent on gas.
"""

import structlog
from sqlalchemy import select

from wallet import schema
from wallet.addresses.owner import same_address
from wallet.context import Context, Record
from wallet.errors import DestinationRefused, InsufficientFunds, NotAllowed
from wallet.ids import NetworkId, SubmissionId
from wallet.money import Amount
from wallet.ports import (
    Derived,
    Destination,
    FundsShort,
    Network,
    NetworkRejected,
    NonceSource,
    Purpose,
    SignerRefused,
)
from wallet.ports.tokens import Recovering, StrayTransfer
from wallet.proposals.digest import recovery_content
from wallet.proposals.end import done
from wallet.proposals.propose import Draft
from wallet.proposals.states import Kind
from wallet.strays.find import final_stray
from wallet.treasury.begin import begin
from wallet.treasury.drive import ask_signer
from wallet.treasury.dry_run import PASSING
from wallet.treasury.gas import fund_gas, gas_on
from wallet.treasury.plan import Plan, plan_paths
from wallet.treasury.recoveries import Recovery
from wallet.treasury.sources import house_address, next_source
from wallet.treasury.submissions import open_submissions

_log = structlog.get_logger("strays")


async def draft_recovery(context: Context, stray: str, target: str, reason: str) -> Draft:
    """Raises `NotFound`, `NotAllowed` where it cannot be sent, `DestinationRefused`, and the network's errors."""
    row = await final_stray(context, stray)
    network, recovering = _recovering(context, row)
    try:
        checked = network.check_destination(Destination(target)).address
    except ValueError as error:
        raise DestinationRefused(str(error)) from None
    if await context.one(select(schema.addresses.c.id).where(same_address(checked)).limit(1)) is not None:
        raise DestinationRefused("this is an address of this node: it would stray again")
    transfer = _transfer(recovering, row, checked)
    try:
        await recovering.build_recovery(transfer, 0, await network.estimate_fee(network.fee_asset))
    except (FundsShort, NetworkRejected) as no:
        raise NotAllowed(f"it cannot be sent: {no}") from None
    return Draft(Kind.RECOVER_STRAY, stray, _content(network, transfer), reason)


async def recover_stray(context: Context, proposal: Record) -> None:
    """One step: gas to the address if it lacks any, and when that is final the tx. Raises `NotAllowed` where it cannot be done
    any more or the signer says no, `Stale`, and the network's errors."""
    row = await final_stray(context, proposal["subject"])
    network, recovering = _recovering(context, row)
    transfer = _transfer(recovering, row, proposal["content"]["target"])
    if dict(proposal["content"]) != _content(network, transfer):
        raise NotAllowed("it is not what was approved any more")
    if any(row["address"] in (each["source"], each["target"]) for each in await open_submissions(context, network.id)):
        return  # gas is on its way, or a sweep: one submission at a time for each address
    try:
        await _step(context, network, recovering, transfer, Recovery(proposal, row))
    except FundsShort as short:
        raise NotAllowed(f"it is not there any more: {short}") from None
    except InsufficientFunds as short:
        _log.warning("recovery_waits", stray=row["id"], why=short.message)
    except SignerRefused as refusal:
        if refusal.ground not in PASSING:
            raise NotAllowed(f"the signer refuses: {refusal}") from None
        _log.warning("recovery_waits", stray=row["id"], why=str(refusal))


async def _step(
    context: Context, network: Network, recovering: Recovering, transfer: StrayTransfer, recovery: Recovery
) -> None:
    final = await network.final()
    if final is None:
        return
    spender = await _spender(context, network.id, transfer.source)
    plan = await _plan(context, network, recovering, transfer, recovery, spender)
    missing = plan.unsigned.fee_max.units - await gas_on(context, network, spender.address, final)
    if missing <= 0:
        await begin(context, network, plan)
        return
    await ask_signer(context, network, plan)
    await _fund(context, network, spender, missing)


async def _plan(
    context: Context,
    network: Network,
    recovering: Recovering,
    transfer: StrayTransfer,
    recovery: Recovery,
    spender: Derived,
) -> Plan:
    submission = SubmissionId(context.new_id("sub"))
    source = await next_source(context, network, submission, spender)
    fee = await network.estimate_fee(network.fee_asset)
    assert isinstance(source.source, NonceSource), "only networks with nonces recover strays"
    unsigned = await recovering.build_recovery(transfer, source.source.nonce, fee)
    return Plan(
        submission,
        Purpose.RECOVERY,
        Amount(0, network.fee_asset),
        spender.address,
        transfer.target,
        source,
        unsigned,
        plan_paths(source, unsigned),
        more_writes=(done(context, recovery.proposal, f"submission {submission}"),),
        recovery=recovery,
    )


async def _fund(context: Context, network: Network, spender: Derived, missing: int) -> None:
    """Twice what is missing now: the price of gas may rise until it is final, and what is left pays for the next."""
    hot = await house_address(context, network.id)
    await fund_gas(context, network, spender, Amount(2 * missing, network.fee_asset), hot)


def _recovering(context: Context, row: Record) -> tuple[Network, Recovering]:
    network = context.network(row["network"])
    if not isinstance(network, Recovering):
        raise NotAllowed(f"{network.id} has nothing by which this could be sent back")
    return network, network


def _transfer(recovering: Recovering, row: Record, target: str) -> StrayTransfer:
    try:
        contract = recovering.check_contract(row["contract"])
    except ValueError as listed:
        raise NotAllowed(f"{listed}: propose to credit it") from None
    return StrayTransfer(contract, row["address"], target, row["units"])


def _content(network: Network, transfer: StrayTransfer) -> dict[str, str]:
    return recovery_content(network.id, transfer.source, transfer.contract, transfer.target, transfer.units)


async def _spender(context: Context, network: NetworkId, address: str) -> Derived:
    """With the path of its key, which is the same on every network that the address was handed out on."""
    table = schema.addresses
    row = await context.one(select(table).where(same_address(address)).order_by(table.c.network != network).limit(1))
    if row is None:
        raise NotAllowed(f"{address} is no address of this node")
    return Derived(row["address"], row["path"])
