"""`coffer destination`: what operators do with saved destinations when a customer asks them to."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context
from wallet.customers.create import find_customer
from wallet.destinations.find import destination_view
from wallet.destinations.remove import remove_destination
from wallet.destinations.save import save_destination
from wallet.ids import CustomerId, NetworkId
from wallet.ports import Destination


async def save_for(
    context: Context, name: str, network: str, address: str, holder: str | None, label: str | None
) -> dict[str, object]:
    owner = await _owner(context, name)
    target = Destination(address, holder)
    return dict((await save_destination(context, "cli", owner, NetworkId(network), target, label)).result)


async def saved_of(context: Context, name: str) -> list[dict[str, object]]:
    table = schema.saved_destinations
    saved = select(table).where(table.c.owner == await _owner(context, name), table.c.removed_at.is_(None))
    return [destination_view(row) for row in await context.all(saved.order_by(table.c.id.desc()))]


async def remove_from(context: Context, name: str, destination: str) -> None:
    await remove_destination(context, "cli", await _owner(context, name), destination)


async def _owner(context: Context, name: str) -> CustomerId:
    return CustomerId((await find_customer(context, name))["id"])
