"""How one destination is told from another without knowing whose bank account it is."""

from wallet.context import Context
from wallet.ids import CustomerId
from wallet.ports import Destination, Network


def mark_of(context: Context, owner: CustomerId, network: Network, target: Destination) -> str:
    """The address in canonical form; where that is personal, a digest under the owner's key. A holder's name is no part of it:
    the account is the same. Raises `PersonErased`."""
    if not network.capabilities.personal_payload:
        return target.address
    return context.vault.mark(person=owner, value=target.address)
