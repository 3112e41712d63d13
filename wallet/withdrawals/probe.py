"""Try a payment to a contract before anything is held for it, and refuse whoever makes us pay for payments that fail.

What this prevents: a customer who has us send, at our cost and for ever, to contracts that revert once it is too late to know.
"""

from datetime import timedelta

import structlog
from sqlalchemy import func, select

from wallet import schema
from wallet.context import Context
from wallet.errors import DestinationRefused
from wallet.ids import CustomerId
from wallet.money import Amount
from wallet.ports import CostTooHigh, Destination, Network, NetworkError, NetworkRejected, RecipientRefuses
from wallet.ports.recipients import Trying
from wallet.treasury.sources import house_address
from wallet.withdrawals.states import Reason, State

REVERTS_MAX = 3  # of one customer on one network within REVERTS_WITHIN: each has cost us gas and paid nobody
REVERTS_WITHIN = timedelta(hours=24)

_log = structlog.get_logger("withdrawals")


async def refuse_what_would_fail(
    context: Context, network: Network, owner: CustomerId, amount: Amount, destination: Destination
) -> None:
    """Raises `DestinationRefused`. A network that does not answer refuses nobody: the payment is tried again before anything is
    reserved for it. Contracts choose their own words when they refuse, so nobody is shown them."""
    if not isinstance(network, Trying):
        return
    hot = await house_address(context, network.id)
    try:
        recipient = await network.try_recipient(amount, hot.address, destination)
    except CostTooHigh:
        raise DestinationRefused("the contract at this address would use more gas than a withdrawal may cost") from None
    except RecipientRefuses:
        raise DestinationRefused("the contract at this address, or the token's, would refuse this payment") from None
    except NetworkRejected as refusal:
        raise DestinationRefused(str(refusal)) from None
    except NetworkError as error:
        _log.info("recipient_not_tried", network=network.id, reason=str(error))
        return
    if recipient.is_contract and await _reverted_lately(context, network, owner) >= REVERTS_MAX:
        raise DestinationRefused(
            f"{REVERTS_MAX} payments of yours to contracts were refused there within a day: send to an ordinary address"
        )


async def _reverted_lately(context: Context, network: Network, owner: CustomerId) -> int:
    table = schema.withdrawals
    failed = (table.c.owner == owner, table.c.network == network.id, table.c.state == State.FAILED.value)
    since = table.c.created_at > context.clock.now() - REVERTS_WITHIN
    wanted = select(func.count().label("times")).where(*failed, table.c.reason == Reason.REVERTED.value, since)
    times: int = (await context.all(wanted))[0]["times"]
    return times
