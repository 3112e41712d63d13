"""Gas for deposit addresses: a token there cannot pay for its own way, so the hot address does, as an expense of the house."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.ids import SubmissionId
from wallet.money import Amount
from wallet.ports import BlockRef, Derived, Destination, Instruction, Network, Purpose
from wallet.treasury.begin import begin
from wallet.treasury.plan import Plan, plan_paths
from wallet.treasury.sources import next_source


async def gas_on(context: Context, network: Network, address: str, final: BlockRef) -> int:
    """The fee asset on a deposit address that belongs to nobody's deposit there: what we sent for gas, or what is left."""
    symbol = network.fee_asset.symbol
    observed = (await network.observe([address], final)).units.get(symbol, 0)
    table = schema.deposits
    theirs = select(table.c.units).where(
        table.c.network == network.id,
        table.c.address == address,
        table.c.asset == symbol,
        table.c.swept_by.is_(None),
        table.c.height <= final.height,
    )
    owned: int = sum(row["units"] for row in await context.all(theirs))
    return observed - owned


async def fund_gas(context: Context, network: Network, target: Derived, amount: Amount, hot: Derived) -> None:
    """Begins the payment; where it stands is the submission's matter. Raises as `begin`."""
    submission = SubmissionId(context.new_id("sub"))
    source = await next_source(context, network, submission, hot)
    fee = await network.estimate_fee(amount.asset)
    unsigned = await network.build([Instruction(submission, Destination(target.address), amount)], source.source, fee)
    paths = plan_paths(source, unsigned, target.path)
    purpose = Purpose.GAS_FUNDING
    await begin(
        context, network, Plan(submission, purpose, amount, hot.address, target.address, source, unsigned, paths)
    )
