"""Which inputs pay for a tx, and what comes back: coins in, a choice out. Pure: chance is given, not taken.

What this prevents: a tx that costs more than it must, now or when its change is spent; change too small to ever be spent;
inputs that cost more than they bring; and a search that does not end. Several ways are tried, and the one that wastes least
is taken:

- `branch_and_bound`: coins that match without change, within what change would cost;
- the smallest single coin that suffices, and the fewest coins, largest first;
- `single_random_draw`: coins by chance until there is enough for a useful change, which leaves coins of all sizes.

Waste is what the choice costs beyond what its coins would cost at the long-term rate, plus what its change costs, or what is
given up where there is none. When fees are high few inputs waste less, when they are low many.

Sources: Mark Erhardt, "An Evaluation of Coin Selection Strategies" (2016), and Bitcoin Core's wallet/coinselection.cpp, whose
limits of tries and of change are of the same order. All worth is counted in quarters of thousandths of a base unit, in which a
weight times a rate is whole.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, islice
from random import Random
from typing import Final

from chains.bitcoin.coins import INPUTS_MAX, fee_units, input_weight, tx_weight, vsize
from wallet.ports import FundsShort, Utxo

SCALE: Final = 4_000  # four weight units a virtual byte, rates are per thousand of these
TRIES_MAX: Final = 20_000  # of branch and bound: some 15 ms; Bitcoin Core allows 100,000
CHANGE_UNITS_AIM: Final = 50_000  # change that a later payment can use: Bitcoin Core's lower bound for its target
_ROUNDING_WEIGHT: Final = 3 + 8  # a size is rounded up to whole virtual bytes; many inputs need a longer count


@dataclass(frozen=True, slots=True)
class Choice:
    """`fee_units` is exact: inputs minus outputs. `change_units` is 0 where change would not be worth having."""

    inputs: tuple[Utxo, ...]
    fee_units: int
    change_units: int


@dataclass(frozen=True, slots=True)
class Need:
    """What the inputs must pay: the outputs' sum and sizes, at a fee rate, for at most `fee_units_max`. `change_size` is
    that of the change output, `change_dust_units` the least that nodes relay of it, `change_spend_weight` what spending it
    adds."""

    target_units: int
    output_sizes: tuple[int, ...]
    rate: int
    long_term_rate: int
    change_size: int
    change_dust_units: int
    change_spend_weight: int
    fee_units_max: int

    def fee(self, inputs: Sequence[int], *, with_change: bool) -> int:
        """What inputs of these weights cost, together with the outputs."""
        sizes = (*self.output_sizes, self.change_size) if with_change else self.output_sizes
        return fee_units(vsize(inputs, sizes), self.rate)

    @property
    def worth(self) -> int:
        """What the inputs must be worth beyond their own cost, but for what rounding adds; in this module's scale."""
        return self.target_units * SCALE + tx_weight((), self.output_sizes) * self.rate

    @property
    def rounding(self) -> int:
        return SCALE + _ROUNDING_WEIGHT * self.rate

    @property
    def useful(self) -> int:
        """The same with change that a later payment can use."""
        return self.worth + self.rounding + 4 * self.change_size * self.rate + CHANGE_UNITS_AIM * SCALE

    @property
    def change_cost(self) -> int:
        """What change costs now and when it is spent, in the long run."""
        return 4 * self.change_size * self.rate + self.change_spend_weight * self.long_term_rate

    @property
    def change_least_units(self) -> int:
        """Smaller change is given up: nodes do not relay it, or it will never be worth spending."""
        return max(self.change_dust_units, -(-self.change_spend_weight * self.long_term_rate // SCALE), 1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A coin that is worth more than it costs to spend at this rate; `worth` is what it brings after that."""

    coin: Utxo
    weight: int
    worth: int


def select(available: Sequence[Utxo], need: Need, chance: Random) -> Choice:
    """The same coins, need and chance give the same choice, in whatever order the coins come. Raises `FundsShort`."""
    pool = candidates(available, need.rate)
    found = [_settled(inputs, need) for inputs in _ways(pool, need, chance)]
    affordable = [choice for choice in found if choice.fee_units <= need.fee_units_max]
    if not found:
        raise FundsShort("the inputs at hand do not cover the payments and the network fee")
    if not affordable:
        raise FundsShort(f"the inputs at hand are so small that the fee would pass {need.fee_units_max} units")
    return min(affordable, key=lambda choice: (waste(choice, need), _names(choice)))


def draw_alone(available: Sequence[Utxo], need: Need, chance: Random) -> Choice:
    """The same by `single_random_draw` only, and where that finds nothing the fewest: what `select` is measured against."""
    pool = candidates(available, need.rate)
    for way in (
        partial(single_random_draw, pool, need.useful, chance),
        partial(fewest, pool, need.worth + need.rounding),
    ):
        inputs = _inputs(way())
        if inputs and _covers(inputs, need):
            return _settled(inputs, need)
    raise FundsShort("the inputs at hand do not cover the payments and the network fee")


def candidates(available: Sequence[Utxo], rate: int) -> list[Candidate]:
    """Those worth spending, most worth first."""
    weighed = ((coin, input_weight(coin)) for coin in available)
    worthy = [Candidate(coin, w, coin.units * SCALE - w * rate) for coin, w in weighed if coin.units * SCALE > w * rate]
    return sorted(worthy, key=lambda one: (-one.worth, one.coin.outpoint))


def waste(choice: Choice, need: Need) -> int:
    """In the scale of this module. Negative where spending now is cheaper than later."""
    spending = sum(input_weight(coin) for coin in choice.inputs) * (need.rate - need.long_term_rate)
    return spending + (need.change_cost if choice.change_units else _excess(choice, need))


def _excess(choice: Choice, need: Need) -> int:
    """What goes to the miners beyond the exact fee, for want of change."""
    fee = need.fee([input_weight(coin) for coin in choice.inputs], with_change=False)
    return (choice.fee_units - fee) * SCALE


def _ways(pool: Sequence[Candidate], need: Need, chance: Random) -> Iterator[tuple[Utxo, ...]]:
    """All of them meet the need; each way may find nothing. What just misses it by rounding is looked for again, higher."""
    least, enough = need.worth, need.worth + need.rounding
    drawn = _inputs(single_random_draw(pool, need.useful, chance))
    if drawn and _covers(drawn, need):
        yield drawn
    for way in (partial(_matching, need=need), smallest_single, fewest):
        found = (_inputs(way(pool, target)) for target in (least, enough))
        yield from islice((inputs for inputs in found if inputs and _covers(inputs, need)), 1)
    for way in (smallest_single, fewest):
        if inputs := _inputs(way(pool, need.useful)):
            yield inputs


def _matching(pool: Sequence[Candidate], target: int, need: Need) -> Sequence[Candidate]:
    return branch_and_bound(pool, target, need.change_cost, need.rate - need.long_term_rate)


def _inputs(found: Sequence[Candidate]) -> tuple[Utxo, ...]:
    return tuple(one.coin for one in found)


def _covers(inputs: Sequence[Utxo], need: Need) -> bool:
    fee = need.fee([input_weight(coin) for coin in inputs], with_change=False)
    return sum(coin.units for coin in inputs) >= need.target_units + fee


def _settled(inputs: tuple[Utxo, ...], need: Need) -> Choice:
    surplus = sum(coin.units for coin in inputs) - need.target_units
    change = surplus - need.fee([input_weight(coin) for coin in inputs], with_change=True)
    if change < need.change_least_units:
        change = 0
    return Choice(inputs, surplus - change, change)


def _names(choice: Choice) -> tuple[int, tuple[str, ...]]:
    return len(choice.inputs), tuple(sorted(coin.outpoint for coin in choice.inputs))


def smallest_single(pool: Sequence[Candidate], target: int) -> Sequence[Candidate]:
    """It leaves the others for the withdrawals that follow."""
    enough = bisect_left(pool, -target + 1, key=lambda one: -one.worth)
    return pool[enough - 1 : enough]


def fewest(pool: Sequence[Candidate], target: int) -> Sequence[Candidate]:
    """Largest first: if this is not enough, nothing is."""
    for count, total in enumerate(accumulate(one.worth for one in pool[:INPUTS_MAX]), 1):
        if total >= target:
            return pool[:count]
    return ()


def single_random_draw(pool: Sequence[Candidate], target: int, chance: Random) -> Sequence[Candidate]:
    """Coins by chance until they suffice. Nothing where that takes too many."""
    drawn: list[Candidate] = []
    total, left = 0, list(range(len(pool)))
    while left and len(drawn) < INPUTS_MAX:
        place = chance.randrange(len(left))
        left[place], left[-1] = left[-1], left[place]
        drawn.append(pool[left.pop()])
        total += drawn[-1].worth
        if total >= target:
            return drawn
    return ()


def branch_and_bound(pool: Sequence[Candidate], target: int, window: int, dearness: int) -> Sequence[Candidate]:
    """Coins that are worth `target` to `target + window`, of those found in `TRIES_MAX` tries the ones that waste least.
    `dearness` is by how much the rate is above the long-term one."""
    fitting = [one for one in pool if one.worth <= target + window]
    if sum(one.worth for one in fitting) < target:
        return []
    return _Search(fitting, target, window, dearness).run()


class _Search:
    """Depth first over "with this coin" and "without it", most worth first. `omitted` is what could still be added."""

    def __init__(self, pool: Sequence[Candidate], target: int, window: int, dearness: int) -> None:
        self._pool = pool
        self._worth = [one.worth for one in pool]
        self._costs = [one.weight * dearness for one in pool]
        self._target, self._window, self._dear = target, window, dearness > 0
        self._left = sum(self._worth)
        self._value = self._cost = 0
        self._taken: list[int] = []
        self._best: list[int] = []
        self._best_waste: int | None = None

    def run(self) -> Sequence[Candidate]:
        place = 0
        for _ in range(TRIES_MAX):
            if self._is_over():
                if not self._taken:
                    break
                place = self._step_back(place) + 1
            else:
                self._take_or_omit(place)
                place += 1
        return [self._pool[index] for index in self._best]

    def _is_over(self) -> bool:
        """Nothing better can come of going on from here. A match is noted."""
        if self._value + self._left < self._target or self._value > self._target + self._window:
            return True
        if self._dear and self._best_waste is not None and self._cost > self._best_waste:
            return True
        if self._value < self._target:
            return False
        found = self._cost + self._value - self._target
        if len(self._taken) <= INPUTS_MAX and (self._best_waste is None or found < self._best_waste):
            self._best, self._best_waste = list(self._taken), found
        return True

    def _step_back(self, place: int) -> int:
        """Without the coin that was taken last: everything after it can be added again."""
        last = self._taken.pop()
        self._left += sum(self._worth[last + 1 : place])
        self._value -= self._worth[last]
        self._cost -= self._costs[last]
        return last

    def _take_or_omit(self, place: int) -> None:
        """One like the coin before, which was omitted, would only be tried twice."""
        self._left -= self._worth[place]
        is_new = not self._taken or self._taken[-1] == place - 1
        if is_new or self._pool[place].worth != self._pool[place - 1].worth:
            self._taken.append(place)
            self._value += self._worth[place]
            self._cost += self._costs[place]
