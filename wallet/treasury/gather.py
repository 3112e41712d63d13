"""Small coins become one while fees are low, so that paying with them later, when fees are high, costs little.

What this prevents: a withdrawal that has to spend hundreds of inputs, and coins that one day cost more than they are worth.
It is a submission like every other: the signer knows its purpose, sees that all of it comes back to us, and counts its fee.
"""

import structlog
from sqlalchemy import func, select

from wallet import schema
from wallet.context import Context
from wallet.ids import NetworkId, SubmissionId
from wallet.money import Amount
from wallet.networks.halt import is_halted
from wallet.ports import Gathering, Network, Purpose, UtxoSource
from wallet.treasury import coins
from wallet.treasury.begin import NOT_NOW, begin
from wallet.treasury.plan import Plan, plan_paths
from wallet.treasury.sources import NextSource, house_address
from wallet.treasury.submissions import open_submissions
from wallet.withdrawals.queue import assets_asked_for

COINS_MANY = 200  # free coins beyond which some are gathered: well below the inputs that one tx may have
GATHERED_MAX = 100  # at once, the smallest: a tx of some 7,000 virtual bytes
CHEAP = 2  # fees are low when they are so many times lower than in the long run


_log = structlog.get_logger("coins")


async def gather_coins(context: Context, network: Network) -> None:
    """Begin one, where coins are many, fees are low, nobody waits to be paid and none is under way. Raises the network's
    errors when it is away."""
    if not isinstance(network, Gathering) or not await _are_many(context, network.id):
        return
    if await is_halted(context, network.id) or await _is_busy(context, network.id):
        return
    fee = await network.estimate_fee(network.fee_asset)
    if fee.rate * CHEAP > await network.later_rate():
        return
    hot = await house_address(context, network.id)
    smallest = await coins.smallest_coins(context, network.id, GATHERED_MAX)
    source = UtxoSource(tuple(coin for coin, _ in smallest), hot)
    next_source = NextSource(source, versions={coin.outpoint: version for coin, version in smallest})
    try:
        unsigned = await network.gather(source, fee)
        nothing, paths = Amount(0, network.fee_asset), plan_paths(next_source, unsigned)
        submission = SubmissionId(context.new_id("sub"))
        plan = Plan(submission, Purpose.GATHERING, nothing, hot.address, hot.address, next_source, unsigned, paths)
        await begin(context, network, plan)
    except NOT_NOW as wait:
        _log.info("coins_not_gathered", network=network.id, why=repr(wait))
    else:
        _log.info("coins_gathered", network=network.id, inputs=len(unsigned.consumes))


async def _are_many(context: Context, network: NetworkId) -> bool:
    """Counted only so far, however many there are."""
    some = coins.free(network).with_only_columns(schema.utxos.c.id).limit(COINS_MANY + 1).subquery()
    row = await context.one(select(func.count().label("count")).select_from(some))
    return row is not None and row["count"] > COINS_MANY


async def _is_busy(context: Context, network: NetworkId) -> bool:
    if await assets_asked_for(context, network):
        return True
    return any(row["purpose"] == Purpose.GATHERING for row in await open_submissions(context, network))
