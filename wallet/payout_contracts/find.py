"""The payout contract of a network, if it has one."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotAllowed
from wallet.ids import NetworkId
from wallet.ports import Network
from wallet.ports.payout_contracts import PayingTogether


async def find_contract(context: Context, network: NetworkId) -> Record | None:
    return await context.one(select(schema.payout_contracts).where(schema.payout_contracts.c.id == network))


def together_of(context: Context, name: str) -> tuple[Network, PayingTogether]:
    """Raises `NotFound`, and `NotAllowed` for a network that pays many at once without a contract, or never."""
    network = context.network(name)
    if not isinstance(network, PayingTogether):
        raise NotAllowed(f"{name} has no contracts")
    return network, network
