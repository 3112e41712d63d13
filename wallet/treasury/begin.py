"""Begin a submission that pays no customer: sweeps, gas, what is gathered, moved or sent back."""

from wallet.context import Context
from wallet.errors import AlreadyExists, AssetPaused, InsufficientFunds, NetworkHalted, Stale
from wallet.networks.halt import running
from wallet.ports import FundsShort, Network, NetworkRejected, SignerRefused
from wallet.treasury.drive import ask_signer, sign
from wallet.treasury.plan import Plan
from wallet.treasury.reserve import reserve

NOT_NOW = (
    FundsShort,
    InsufficientFunds,
    AssetPaused,
    NetworkHalted,
    Stale,
    AlreadyExists,
    NetworkRejected,
    SignerRefused,
)
"""What keeps it from being begun now: it is tried again in the next step."""


async def begin(context: Context, network: Network, plan: Plan) -> None:
    """Ask the signer, reserve, sign. Raises what keeps a plan from being begun; nothing has happened then."""
    await context.unpaused(plan.amount.asset)
    await running(context, network.id)
    await ask_signer(context, network, plan)
    await sign(context, network, await reserve(context, network, plan), [])
