"""The flag on a limited customer's accounts by which the Journal refuses whatever would leave unasked.

A decision that never looked for limits, whether it knows of none or was taken before there were any, fails at the account
itself. So an exit that is built later cannot forget them, and whoever has no limits is asked nothing.
"""

from wallet.context import Context
from wallet.journal.change import FlagChange
from wallet.ledger.accounts import Flags, customer_balance
from wallet.safeguards.read import Safeguards


def meter_changes(context: Context, now: Safeguards, after: Safeguards) -> tuple[FlagChange, ...]:
    """Where limits begin or end by this step."""
    before, then = limited_assets(now), limited_assets(after)
    changed = sorted(before ^ then)
    return tuple([_metered(context, after, symbol, on=symbol in then) for symbol in changed])


def limited_assets(guards: Safeguards) -> frozenset[str]:
    """Those in which somebody has set a limit for this customer."""
    return frozenset({*guards.rules.caps, *guards.limits})


def _metered(context: Context, guards: Safeguards, symbol: str, *, on: bool) -> FlagChange:
    account = customer_balance(guards.owner, context.asset(symbol))
    return FlagChange(account, Flags.METERED if on else Flags.NONE, Flags.METERED)
