"""Sweeps: what lies on customers' deposit addresses moves to the hot address, so that withdrawals are paid from it.

A token cannot pay for its own way: the address is first funded with gas from the hot address, a house expense. The amount
swept is the sum of credited deposits, never what a balance says: what nobody explained stays where it is. One submission
at a time per address.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.deposits.states import CREDITED
from wallet.ids import SubmissionId
from wallet.journal.change import Update
from wallet.ledger.accounts import HOUSE
from wallet.money import Amount, Asset
from wallet.ports import (
    BlockRef,
    Derived,
    Destination,
    Fee,
    Instruction,
    Network,
    Purpose,
    Sweeping,
)
from wallet.treasury.begin import NOT_NOW, begin
from wallet.treasury.gas import fund_gas, gas_on
from wallet.treasury.plan import Plan, plan_paths
from wallet.treasury.rotation import empty_earlier
from wallet.treasury.sources import house_address, next_source
from wallet.treasury.submissions import open_submissions

_log = structlog.get_logger("sweeps")


@dataclass(frozen=True, slots=True)
class _Pile:
    """Credited deposits of one asset on one address."""

    address: Derived
    asset: Asset
    deposits: tuple[Record, ...]

    @property
    def amount(self) -> Amount:
        return Amount(sum(row["units"] for row in self.deposits), self.asset)


async def sweep_deposits(context: Context, network: Network, final: BlockRef, minimum: Mapping[str, int]) -> None:
    """Begin the sweeps that are worth it: `minimum` is in base units per asset. Raises the network's errors."""
    await empty_earlier(context, network, final, minimum)
    if not network.capabilities.sweeps or not isinstance(network, Sweeping):
        return
    busy = {name for row in await open_submissions(context, network.id) for name in (row["source"], row["target"])}
    hot = await house_address(context, network.id)
    for pile in await _piles(context, network):
        if pile.address.address in busy or pile.amount.units < minimum.get(pile.asset.symbol, 1):
            continue
        busy.add(pile.address.address)
        try:
            await _move(context, network, network, pile, hot, final)
        except NOT_NOW as wait:
            _log.debug("sweep_waits", address=pile.address.address, asset=pile.asset.symbol, why=repr(wait))


async def _piles(context: Context, network: Network) -> Sequence[_Pile]:
    deposits, addresses = schema.deposits, schema.addresses
    wanted = (
        select(deposits, addresses.c.path)
        .join(addresses, (addresses.c.network == deposits.c.network) & (addresses.c.address == deposits.c.address))
        .where(
            deposits.c.network == network.id,
            deposits.c.state == CREDITED,
            deposits.c.swept_by.is_(None),
            deposits.c.owner != HOUSE,
        )
        .order_by(deposits.c.id)
    )
    piles: dict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for row in await context.all(wanted):
        piles[row["address"], row["path"], row["asset"]].append(row)
    return [_Pile(Derived(a, p), context.asset(symbol), tuple(rows)) for (a, p, symbol), rows in piles.items()]


async def _move(
    context: Context, network: Network, sweeping: Sweeping, pile: _Pile, hot: Derived, final: BlockRef
) -> None:
    fee = await network.estimate_fee(pile.asset)
    if pile.asset == network.fee_asset:
        exact = replace(fee, tip=fee.rate)
        cost = await sweeping.transfer_cost(pile.asset, pile.address.address, hot.address, exact)
        if cost < pile.amount:
            await _sweep(context, network, pile, pile.amount - cost, hot, exact)
        return
    cost = await sweeping.transfer_cost(pile.asset, pile.address.address, hot.address, fee)
    missing = cost.units - await gas_on(context, network, pile.address.address, final)
    if missing > 0:
        await fund_gas(context, network, pile.address, Amount(missing, cost.asset), hot)
    else:
        await _sweep(context, network, pile, pile.amount, hot, fee)


async def _sweep(context: Context, network: Network, pile: _Pile, amount: Amount, hot: Derived, fee: Fee) -> None:
    submission = SubmissionId(context.new_id("sub"))
    source = await next_source(context, network, submission, pile.address)
    unsigned = await network.build([Instruction(submission, Destination(hot.address), amount)], source.source, fee)
    swept = tuple(Update("deposits", row["id"], row["version"], {"swept_by": submission}) for row in pile.deposits)
    paths, spender = plan_paths(source, unsigned), pile.address.address
    plan = Plan(submission, Purpose.SWEEP, amount, spender, hot.address, source, unsigned, paths, (), swept)
    await begin(context, network, plan)
