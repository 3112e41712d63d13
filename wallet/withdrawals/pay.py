"""Pay requested withdrawals in order, as many of one asset in one submission as the network allows (`capabilities.batch_max`).

What cannot be paid now, or ever, is found among them and left out, or rejected, alone; where they are too many for the funds
or for a limit, the older half goes first.
"""

from collections.abc import Mapping, Sequence

import structlog

from wallet.context import Context, Record
from wallet.errors import AlreadyExists, AssetPaused, InsufficientFunds, NetworkHalted, Stale, TokenSuspended
from wallet.networks.halt import is_halted
from wallet.ports import (
    FeeAbsurd,
    FeeTooHigh,
    FundsShort,
    Ground,
    Network,
    NetworkError,
    NotTogether,
    SignerRefused,
    SignerUnavailable,
)
from wallet.treasury.alarm import alarm, end_alarm
from wallet.treasury.drive import refuse_away
from wallet.treasury.rotation import is_moving
from wallet.withdrawals.begin import NotPayable, Rows, begin, is_refused, planned, reject
from wallet.withdrawals.queue import PASSING_MAX, PATIENCE, assets_asked_for, requested, still_requested
from wallet.withdrawals.states import Wait
from wallet.withdrawals.waiting import ALL_ASSETS, note_waits

STEP_MAX = 50  # submissions begun in one step, so that following the earlier ones gets its turn

FEES = "fees"  # what the alarm is about, for a whole network
_WAITS: Mapping[type[Exception], Wait] = {
    FundsShort: Wait.FUNDS,
    InsufficientFunds: Wait.FUNDS,
    AssetPaused: Wait.ASSET_PAUSED,
    TokenSuspended: Wait.ASSET_PAUSED,
    NetworkHalted: Wait.NETWORK_HALTED,
    SignerRefused: Wait.LIMIT,
    FeeAbsurd: Wait.FEES,
    FeeTooHigh: Wait.FEES,
}

_log = structlog.get_logger("withdrawals")


async def pay_withdrawals(context: Context, network: Network) -> None:
    """Begin what has been requested. An asset whose limit is used up waits in order, one whose funds are short by the rule
    of `queue`; whatever waits or cannot be built now, be it of one customer or many, stops nothing else. Raises the
    network's errors when it is away.
    """
    if await is_halted(context, network.id) or await is_moving(context, network):
        return
    short: dict[str, Wait] = {}
    try:
        assets = await assets_asked_for(context, network.id)
        for asset in assets:
            wait = await _pay_asset(context, network, asset, max(STEP_MAX // len(assets), 1))
            short |= {asset: wait} if wait is not None else {}
        if assets and Wait.FEES not in short.values():
            await end_alarm(context, network.id, FEES, "ended", "fees are such that payments go out")
    except SignerUnavailable:
        short = {ALL_ASSETS: Wait.SIGNER}
        raise
    finally:
        await note_waits(context, network.id, short)


async def _pay_asset(context: Context, network: Network, asset: str, submissions_max: int) -> Wait | None:
    """What its oldest withdrawal waits for, if it does."""
    batch, after, below, passed = network.capabilities.batch_max, "", None, 0
    found: Wait | None = None
    for _ in range(submissions_max):
        rows = await requested(context, network.id, asset, batch, after=after, below=below)
        if not rows:
            break
        try:
            await _pay_some(context, network, rows)
        except _Waits as wait:
            found = found or wait.waits_for
            if not _may_be_passed(context, wait) or passed == PASSING_MAX:
                break
            after, below, passed = wait.row["id"], wait.row["units"], passed + 1
        else:
            after = rows[-1]["id"]
    return found


class _Waits(Exception):
    """What this withdrawal needs is not there now."""

    def __init__(self, row: Record, why: Exception) -> None:
        super().__init__(f"{row['id']}: {type(why).__name__}")
        self.row = row
        stopped = isinstance(why, SignerRefused) and why.ground is Ground.STOPPED
        self.waits_for = Wait.STOPPED if stopped else _WAITS[type(why)]


def _may_be_passed(context: Context, wait: _Waits) -> bool:
    """Whether smaller ones that came later may go first. A pause or a limit is waited for in order."""
    if wait.waits_for is not Wait.FUNDS:
        _log.debug("withdrawal_waits", withdrawal=wait.row["id"], why=wait.waits_for.value)
        return False
    patient: bool = context.clock.now() - wait.row["created_at"] < PATIENCE
    tell = _log.info if patient else _log.warning
    tell("withdrawal_waits_for_funds", withdrawal=wait.row["id"], asset=wait.row["asset"], is_passed=patient)
    return patient


async def _pay_some(context: Context, network: Network, rows: Rows) -> None:
    """In as few submissions as it takes, oldest first. Raises `_Waits` at the first that has to wait alone."""
    groups = [rows]
    while groups:
        group = groups.pop(0)
        groups[:0] = await _begin_or_part(context, network, group)


async def _begin_or_part(context: Context, network: Network, group: Rows) -> list[Rows]:
    """Begin these in one submission. What is to be tried instead where that cannot be, each a part of the group."""
    try:
        await begin(context, network, group)
    except (Stale, AlreadyExists):
        return await _left(context, group)
    except (FundsShort, InsufficientFunds, AssetPaused, NetworkHalted, SignerRefused, NotTogether) as why:
        return await _fewer(context, network, group, why)
    except (FeeAbsurd, FeeTooHigh) as why:  # for all of them alike
        await alarm(context, network.id, FEES, "waits", f"nothing is sent: {why}")
        raise _Waits(group[0], why) from why
    except (NetworkError, NotPayable) as why:
        return await _sorted_out(context, network, group, why)
    return []


async def _fewer(context: Context, network: Network, group: Rows, why: Exception) -> list[Rows]:
    """Together they are too many, or one of them alone is too large for the signer's policy."""
    if isinstance(why, NotTogether):
        return _parted(group, why.alone)
    waits = _Waits(group[0], why)
    if len(group) == 1 or waits.waits_for not in (Wait.FUNDS, Wait.LIMIT):
        raise waits from why
    if isinstance(why, SignerRefused) and why.ground is Ground.POLICY:
        largest = max(group, key=lambda row: int(row["units"]))
        try:
            if await is_refused(context, network, largest):
                return [[row for row in group if row is not largest]]
        except (FundsShort, NetworkError, NotPayable) as other:
            _log.debug("withdrawal_not_tried_alone", withdrawal=largest["id"], why=type(other).__name__)
    return _halves(group)


def _halves(group: Rows) -> list[Rows]:
    middle = (len(group) + 1) // 2
    return [group[:middle], group[middle:]]


def _parted(group: Rows, alone: Sequence[str]) -> list[Rows]:
    """Those that need a submission of their own, then the others together."""
    if len(group) == 1:
        raise AssertionError(f"a network cannot pay {group[0]['id']} together with itself")
    single: list[Rows] = [[row] for row in group if row["id"] in alone]
    together = [row for row in group if row["id"] not in alone]
    return [*single, together] if single and together else (single or _halves(group))


async def _left(context: Context, group: Rows) -> list[Rows]:
    """Somebody moved one of them, or what they would spend: those that are left are tried again once some have gone."""
    _log.info("withdrawals_taken_elsewhere", withdrawals=[row["id"] for row in group])
    left = await still_requested(context, group)
    return [left] if 0 < len(left) < len(group) else []


async def _sorted_out(context: Context, network: Network, group: Rows, why: NetworkError | NotPayable) -> list[Rows]:
    """Each is tried on its own, without being begun: what can never be paid is rejected, what the network has no answer
    to now is left out, the others go together. All of them can alone: then they are too many together."""
    if len(group) == 1:
        await _leave_out(context, network, group[0], why)
        return []
    payable: list[Record] = []
    for row in group:
        try:
            await planned(context, network, [row])
        except (NetworkError, NotPayable) as one:
            await _leave_out(context, network, row, one)
            continue
        except FundsShort:  # together or alone, funds are asked for again
            pass
        payable.append(row)
    if len(payable) == len(group):
        return _halves(group)
    left: list[Rows] = [payable] if payable else []
    return left


async def _leave_out(context: Context, network: Network, row: Record, why: NetworkError | NotPayable) -> None:
    """Raises the network's error where it is the network that is away."""
    if isinstance(why, NotPayable):  # nothing is signed yet: what cannot be built cannot be paid
        await reject(context, row, why.reason, str(why))
    else:
        await refuse_away(network, why)
        _log.warning("withdrawal_waits", withdrawal=row["id"], reason=str(why))
