"""A person says stop."""

from wallet.context import Context
from wallet.errors import NotFound
from wallet.ports import SignerRefused, SignerStatus
from wallet.stops.mirror import mirror_stops


async def stop_signing(context: Context, actor: str, scope: str, why: str) -> SignerStatus:
    """The signer first: from its answer on nothing within the scope is signed. Then the node's own pauses; those that fail
    come by themselves a moment later. Raises `NotFound` for a scope that is none of the signer's, `SignerUnavailable`."""
    try:
        status = await context.signer.stop(scope, why)
    except SignerRefused:
        raise NotFound("scope to stop", scope) from None
    await mirror_stops(context, actor)
    return status
