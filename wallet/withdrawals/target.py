"""Where a withdrawal goes: somebody outside, another customer of this node, or nowhere that value should be sent to.

What this prevents: value sent to where nobody can spend it, and a fee paid for moving money from our right hand to our left.
"""

from dataclasses import dataclass

from sqlalchemy import select

from wallet import schema
from wallet.addresses.owner import same_address
from wallet.context import Context, Record
from wallet.errors import DestinationRefused
from wallet.ids import CustomerId
from wallet.ledger.accounts import HOUSE, NOBODY
from wallet.ports import Destination, Network


@dataclass(frozen=True, slots=True)
class Target:
    """`payee` is the customer of this node whose address it is; None for everybody else's."""

    destination: Destination
    payee: CustomerId | None


async def find_target(context: Context, network: Network, owner: CustomerId, destination: Destination) -> Target:
    """Raises `DestinationRefused`."""
    try:
        canonical = network.check_destination(destination)
    except ValueError as error:
        raise DestinationRefused(str(error)) from None
    _refuse_tokens(context, canonical)
    rows = await _ours(context, canonical.address)
    here = [row for row in rows if row["network"] == network.id] or rows
    return Target(canonical, _payee(owner, here) if here else None)


def _refuse_tokens(context: Context, destination: Destination) -> None:
    """The networks' own check knows their own contracts; people also take an address of one chain for another's."""
    wanted = destination.address.lower()
    for network in context.networks.values():
        if any(listing.contract is not None and listing.contract.lower() == wanted for listing in network.listings):
            raise DestinationRefused("this is the contract of a token, not an address that can receive it")


async def _ours(context: Context, address: str) -> list[Record]:
    """On any network: the keys are ours here too."""
    addresses, customers = schema.addresses, schema.customers
    wanted = select(addresses.c.network, addresses.c.owner, customers.c.closed_at).join(
        customers, customers.c.id == addresses.c.owner, isouter=True
    )
    return await context.all(wanted.where(same_address(address)))


def _payee(owner: CustomerId, rows: list[Record]) -> CustomerId:
    owners = {str(row["owner"]) for row in rows}
    if HOUSE in owners:
        raise DestinationRefused("this is an address of the node itself")
    if owner in owners:
        raise DestinationRefused("this is your own address here: nothing would move")
    if NOBODY in owners or len(owners) > 1 or any(row["closed_at"] is not None for row in rows):
        raise DestinationRefused("this is an address of this node that nobody receives at any more")
    return CustomerId(owners.pop())
