"""Ask the signer before anything is reserved: what it would refuse then is refused while nothing has happened."""

from wallet.assets.pause import pause_asset
from wallet.context import ACTOR_NODE, Context
from wallet.ports import Ground, SignerRefused, SignRequest

PASSING = frozenset({Ground.WINDOW, Ground.STOPPED})
"""Grounds that pass: what was reserved waits for its signature, for a nonce that is given up blocks every later one."""


async def dry_run(context: Context, symbol: str, request: SignRequest) -> None:
    """Raises `SignerRefused`; where the signer's memory contradicts our books (a restored backup, say) the asset stops as
    well, for then a payment may have been made that we know nothing of."""
    try:
        await context.signer.check(request)
    except SignerRefused as refusal:
        if refusal.ground is Ground.CONFLICT:
            await pause_asset(context, ACTOR_NODE, symbol, f"the signer and the books disagree: {refusal}")
        raise
