"""Tells operators of a payment that cannot go on by itself, once for each reason."""

import re

import structlog

from wallet.context import Context
from wallet.ids import NetworkId
from wallet.notices import read_notice, tell

_FIGURE = re.compile(r"[0-9]+")
_log = structlog.get_logger("alarms")


async def alarm(context: Context, network: NetworkId, subject: str, state: str, reason: str) -> None:
    """What is known already is neither written nor logged again, though its figures change: loops come by every second."""
    known = await read_notice(context, network, subject)
    if known is not None and (known["state"], _plain(known["reason"])) == (state, _plain(reason)):
        return
    _log.error("alarm", network=network, subject=subject, state=state, reason=reason)
    await tell(context, network, subject, state, reason)


async def end_alarm(context: Context, network: NetworkId, subject: str, state: str, reason: str) -> None:
    """What was told of goes on; of what nobody was told nothing is said."""
    known = await read_notice(context, network, subject)
    if known is not None and known["state"] != state:
        await tell(context, network, subject, state, reason)


def _plain(reason: str) -> str:
    return _FIGURE.sub("0", reason)
