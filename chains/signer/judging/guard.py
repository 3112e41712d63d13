"""The stops, and the breaker that stops by itself: judged last, when it is known what a signature would do.

What this prevents: signatures after somebody has said stop (WDR-16), and a drain by whoever holds valid credentials of many
customers (WDR-17). Nothing here depends on what the node says: outflows are those that this memory remembers.
"""

from collections.abc import Callable

from chains.signer.judging.effect import Effect, refuse
from chains.signer.judging.policy import NetworkPolicy
from chains.signer.memory.controls import ALL, BREAKER, Controls, Stopped, asset_scope
from chains.signer.memory.memory import Memory
from wallet.ports import Ground, SignRequest


class Guard:
    """Over one memory. `withdrawals_hour_max` is the most withdrawals, of whatever asset, that an hour may pay."""

    def __init__(self, memory: Memory, withdrawals_hour_max: int | None, now: Callable[[], int]) -> None:
        self._memory = memory
        self._withdrawals_hour_max = withdrawals_hour_max
        self._now = now

    @property
    def controls(self) -> Controls:
        return self._memory.controls

    def refuse_stopped(self, request: SignRequest) -> None:
        """Raises `SignerRefused` on a network that is stopped, before anything of the request is looked at."""
        for stop in self.controls.stops_on(request.network, ()):
            raise _stopped(stop)

    def refuse_stopped_assets(self, request: SignRequest, effect: Effect) -> None:
        """Raises `SignerRefused`. A network fee alone moves nothing in the sense of a stop."""
        moved = {one.asset for one in effect.outflows} | set(effect.touches)
        for stop in self.controls.stops_on(request.network, sorted(moved)):
            raise _stopped(stop)

    def trip(self, request: SignRequest, counted: Effect, policy: NetworkPolicy) -> None:
        """Raises `SignerRefused` where the hour's bound would be passed, and stops: the stop is staged, and has to be synced
        before the refusal is told. Whoever asks again is refused until two people resume."""
        stop = self._passed(request, counted, policy)
        if stop is not None:
            self._memory.stage_control(stop)
            raise _stopped(stop)

    def _passed(self, request: SignRequest, counted: Effect, policy: NetworkPolicy) -> Stopped | None:
        now = self._memory.time(self._now())
        for asset, units in _leaves(counted).items():
            limit = policy.limits.get(asset)
            if limit is None or limit.hour_max is None:
                continue
            if self.controls.outflow(request.network, asset, now) + units > limit.hour_max:
                why = f"more than {limit.hour_max} {asset} units within an hour on {request.network}"
                return Stopped(now, asset_scope(asset), why, BREAKER)
        most = self._withdrawals_hour_max
        withdrawals = len(request.references) if counted.outflows else 0
        if most is not None and self.controls.withdrawals(now) + withdrawals > most:
            return Stopped(now, ALL, f"more than {most} withdrawals within an hour", BREAKER)
        return None


def _leaves(counted: Effect) -> dict[str, int]:
    """Fees are an exit too: whoever mines may be who asks."""
    totals: dict[str, int] = {}
    for one in (*counted.outflows, counted.fee):
        totals[one.asset] = totals.get(one.asset, 0) + one.units
    return totals


def _stopped(stop: Stopped) -> Exception:
    return refuse(f"stopped by {stop.by} ({stop.scope}): {stop.why}", Ground.STOPPED)
