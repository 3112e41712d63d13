"""Sweep what is final on one network."""

from collections.abc import Mapping

from wallet.context import Context
from wallet.listings.adopt import sweep_minima
from wallet.ports import Network
from wallet.treasury.sweeps import sweep_deposits


async def sweep_network(context: Context, network: Network, minimum: Mapping[str, int]) -> None:
    """`minimum` is the configuration's; tokens that operators listed have theirs in the books."""
    final = await network.final()
    if final is not None:
        await sweep_deposits(context, network, final, {**await sweep_minima(context, network), **minimum})
