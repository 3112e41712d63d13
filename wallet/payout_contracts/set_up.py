"""Carry out what two operators approved: one submission of the hot address, whose fee is all that it costs.

The proposal, the row of the contract and the reservation move in one Change, so that it is made once. A network's own asset
needs no leave on the chain: then there is no submission.
"""

import structlog

from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import InsufficientFunds, NotAllowed
from wallet.ids import NetworkId, SubmissionId
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.money import Amount
from wallet.payout_contracts.draft import setup_content
from wallet.payout_contracts.find import find_contract, together_of
from wallet.payout_contracts.states import Act, State
from wallet.ports import FundsShort, Ground, Network, NonceSource, Purpose, SignerRefused
from wallet.ports.payout_contracts import PayingTogether, PayoutSetup
from wallet.proposals.end import done
from wallet.treasury.begin import begin
from wallet.treasury.plan import Plan, plan_paths
from wallet.treasury.sources import NextSource, house_address, next_source

_log = structlog.get_logger("payout_contracts")


async def set_up_payouts(context: Context, proposal: Record) -> None:
    """Raises `NotAllowed` where it is not what was approved any more or the signer says no, `Stale`, the network's errors."""
    content = proposal["content"]
    network, together = together_of(context, content["network"])
    act, symbol = Act(content["act"]), content["asset"] or None
    if await setup_content(context, network, act, symbol) != dict(content):
        raise NotAllowed("it is not what was approved any more")
    if symbol == network.fee_asset.symbol:
        write = await _assets_write(context, network, act, symbol)
        told = {"network": network.id, "act": act.value, "asset": symbol}
        writes = (write, done(context, proposal, act.value))
        await context.journal.commit(Change(ACTOR_NODE, EventKind.PAYOUTS_SET_UP, told, writes=writes))
        return
    try:
        await begin(context, network, await _plan(context, network, together, proposal, act, symbol))
    except (FundsShort, InsufficientFunds) as short:
        _log.warning("payout_setup_waits", proposal=proposal["id"], why=str(short))
    except SignerRefused as refusal:
        if refusal.ground is not Ground.WINDOW:
            raise NotAllowed(f"the signer refuses: {refusal}") from None
        _log.warning("payout_setup_waits", proposal=proposal["id"], why=str(refusal))


async def _plan(
    context: Context, network: Network, together: PayingTogether, proposal: Record, act: Act, symbol: str | None
) -> Plan:
    submission = SubmissionId(context.new_id("sub"))
    hot = await house_address(context, network.id)
    source = await next_source(context, network, submission, hot)
    assert isinstance(source.source, NonceSource), "only networks with nonces have contracts"
    setup = PayoutSetup(context.asset(symbol) if symbol else None, is_allowed=act is Act.ALLOW)
    fee = await network.estimate_fee(network.fee_asset)
    unsigned = await together.build_setup(setup, proposal["content"]["contract"] or None, source.source, fee)
    if symbol is None:
        write = await _contract_write(context, network, together, source, submission)
    else:
        write = await _assets_write(context, network, act, symbol)
    return Plan(
        submission,
        Purpose.PAYOUT_SETUP,
        Amount(0, network.fee_asset),
        hot.address,
        None,
        source,
        unsigned,
        plan_paths(source, unsigned),
        more_writes=(write, done(context, proposal, f"submission {submission}")),
    )


async def _contract_write(
    context: Context, network: Network, together: PayingTogether, source: NextSource, submission: SubmissionId
) -> Insert | Update:
    assert isinstance(source.source, NonceSource), "only networks with nonces have contracts"
    owner, nonce = source.source.address, source.source.nonce
    values = {
        "contract": together.contract_made(owner, nonce),
        "code_hash": together.contract_code_hash(owner),
        "state": State.MAKING.value,
        "reason": None,
        "submission": submission,
        "assets": (),
        "created_at": context.clock.now(),
    }
    row = await find_contract(context, NetworkId(network.id))
    if row is None:
        return Insert("payout_contracts", {"id": network.id, **values})
    return Update("payout_contracts", row["id"], row["version"], values)


async def _assets_write(context: Context, network: Network, act: Act, symbol: str) -> Update:
    row = await find_contract(context, NetworkId(network.id))
    assert row is not None, "what is allowed or revoked has a contract"
    others = {*row["assets"]} - {symbol}
    assets = tuple(sorted({*others, symbol} if act is Act.ALLOW else others))
    return Update("payout_contracts", row["id"], row["version"], {"assets": assets})
