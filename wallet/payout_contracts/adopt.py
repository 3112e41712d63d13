"""Take up in this process what was decided about a network's payout contract, here or elsewhere."""

from wallet.context import Context
from wallet.ids import NetworkId
from wallet.payout_contracts.find import find_contract
from wallet.payout_contracts.states import State
from wallet.ports import Network
from wallet.ports.payout_contracts import PayingTogether


async def adopt_contract(context: Context, network: Network) -> None:
    """Before withdrawals are paid. Cheap: one row, where a network has contracts at all."""
    if not isinstance(network, PayingTogether):
        return
    row = await find_contract(context, NetworkId(network.id))
    is_ready = row is not None and row["state"] == State.READY and bool(row["assets"])
    network.pay_through(row["contract"] if row is not None and is_ready else None, row["assets"] if row else ())
