"""Carry submissions to their end, then begin what customers have requested."""

from wallet.context import Context
from wallet.payout_contracts.adopt import adopt_contract
from wallet.ports import Network
from wallet.treasury.drive import drive_submissions
from wallet.treasury.gather import gather_coins
from wallet.withdrawals.pay import pay_withdrawals


async def pay_and_follow(context: Context, network: Network) -> None:
    """One step: first what is under way, then what is new, then what nobody waits for."""
    await drive_submissions(context, network)
    await adopt_contract(context, network)
    await pay_withdrawals(context, network)
    await gather_coins(context, network)
