"""Which addresses a network is asked about: where something of ours can lie."""

from sqlalchemy import CompoundSelect, select, union

from wallet import schema
from wallet.context import Context
from wallet.ids import NetworkId
from wallet.ledger.accounts import HOUSE
from wallet.ports import Purpose


async def in_use(context: Context, network: NetworkId) -> frozenset[str]:
    """The node's own addresses, and those to which something was ever paid here, by others or for gas, also where they were
    handed out on another network of the same keys."""
    return frozenset(row["address"] for row in await context.all(used_addresses(network)))


def used_addresses(network: NetworkId) -> CompoundSelect[tuple[str]]:
    """The same as a question, for a snapshot."""
    addresses, deposits, submissions = schema.addresses, schema.deposits, schema.submissions
    own = select(addresses.c.address).where(addresses.c.network == network, addresses.c.owner == HOUSE)
    paid = select(deposits.c.address).where(
        deposits.c.network == network, deposits.c.height.is_not(None), deposits.c.address.is_not(None)
    )
    funded = select(submissions.c.target).where(
        submissions.c.network == network, submissions.c.purpose == Purpose.GAS_FUNDING.value
    )
    return union(own, paid, funded)
