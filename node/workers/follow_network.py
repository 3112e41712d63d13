"""Follow one network: scan, look for what grew unseen and at its tokens' contracts, ask what we hold there, then credit what is
final and covered."""

from node.notices import read_notice, tell
from wallet.context import ACTOR_NODE, Context
from wallet.deposits.confirm import confirm_deposits
from wallet.deposits.cursor import record_view
from wallet.deposits.finality import FinalityWentBack, refuse_finality_gone_back
from wallet.deposits.scan import scan
from wallet.growth.find import find_growth
from wallet.listings.adopt import adopt_tokens
from wallet.listings.watch import watch_tokens
from wallet.networks.halt import halt_network
from wallet.networks.progress import record_providers
from wallet.observations.record import observe_network
from wallet.payout_contracts.watch import watch_contract
from wallet.ports import Network, NetworkError, NetworkUnproven
from wallet.ports.providers import NetworkConflict

PROVIDERS = "providers"
"""The subject of the notice about a conflict of providers; its states."""
CONFLICT, AGREEING = "conflict", "agreeing"
FINALITY = "finality"
"""The subject of the notice about finality that goes backwards; its states."""
WENT_BACK, GOES_ON = "went_back", "goes_on"
_WELL = {PROVIDERS: AGREEING, FINALITY: GOES_ON}


async def follow_network(context: Context, network: Network) -> None:
    """One step. What the network says is kept for `coffer status`, its errors too; operators are told of a conflict, and a
    network that shows what cannot be is halted until a person has looked."""
    try:
        await adopt_tokens(context, network)
        tip, final = await scan(context, network)
        await refuse_finality_gone_back(context, network, tip, final)
        await watch_tokens(context, network, final)
        await watch_contract(context, network, final)
        await find_growth(context, network, final)
        await observe_network(context, network)
        await confirm_deposits(context, network, tip, final)
    except NetworkError as error:
        await record_view(context, network.id, None, None, f"{type(error).__name__}: {error}")
        if isinstance(error, NetworkConflict):
            await _tell(context, network, PROVIDERS, CONFLICT, str(error))
        if isinstance(error, FinalityWentBack):
            await _tell(context, network, FINALITY, WENT_BACK, str(error))
        if isinstance(error, NetworkUnproven):
            await halt_network(context, ACTOR_NODE, network.id, str(error))
        raise
    finally:
        await record_providers(context, network)
    await _tell(context, network, PROVIDERS, AGREEING, "the providers agree again")
    await _tell(context, network, FINALITY, GOES_ON, "finality goes on from where it was")


async def _tell(context: Context, network: Network, subject: str, state: str, reason: str) -> None:
    """When it changes. That all is well is news only after it was not."""
    known = await read_notice(context, network.id, subject)
    if state != (known["state"] if known is not None else _WELL[subject]):
        await tell(context, network.id, subject, state, reason)
