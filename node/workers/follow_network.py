"""Follow one network: scan new blocks, ask what the network says we hold, then confirm and credit what is covered."""

from wallet.context import Context
from wallet.deposits.confirm import confirm_deposits
from wallet.deposits.cursor import record_view
from wallet.deposits.scan import scan
from wallet.observations.record import observe_network
from wallet.ports import Network, NetworkError


async def follow_network(context: Context, network: Network) -> None:
    """One step. What the network says is kept for `coffer status`, its errors too."""
    try:
        tip, final = await scan(context, network)
        await observe_network(context, network)
        await confirm_deposits(context, network, tip, final)
    except NetworkError as error:
        await record_view(context, network.id, None, None, f"{type(error).__name__}: {error}")
        raise
