"""Where the books have a deposit's value."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.ids import NetworkId
from wallet.ledger import accounts
from wallet.ledger.accounts import Account
from wallet.money import Asset
from wallet.ports import Network
from wallet.treasury.states import State


async def is_unswept(context: Context, network: Network, row: Record) -> bool:
    """Not at the hot address by the books. A sweep under way counts for nothing yet: if it comes to nothing its value returns
    to the deposit addresses, and if it is paid that is booked then."""
    if not network.capabilities.sweeps:
        return False
    if row["swept_by"] is None:
        return True
    sweep = await context.one(select(schema.submissions.c.state).where(schema.submissions.c.id == row["swept_by"]))
    return sweep is None or sweep["state"] not in (State.FINAL, State.UPROOTED)


async def place_of(context: Context, network: Network, row: Record, asset: Asset) -> Account:
    unswept = await is_unswept(context, network, row)
    return (accounts.deposits if unswept else accounts.hot)(NetworkId(network.id), asset)
