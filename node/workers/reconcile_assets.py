"""Set what a network states against the books; an asset that is short by a unit stops, and operators read why."""

from node.notices import tell
from wallet.breaks.open import pause_reason, reconcile_network
from wallet.context import Context
from wallet.ports import Network


async def reconcile_assets(context: Context, network: Network) -> None:
    """One step. Raises the network's errors: what does not answer proves nothing and stops nothing."""
    for row in await reconcile_network(context, network):
        await tell(context, network.id, row["id"], row["state"], pause_reason(row))
