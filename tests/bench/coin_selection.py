"""Which coins pay for a tx: how long the choice takes and how much it wastes, against single random draw alone.

Coins are worth 1,000 to 100,000,000 units, as many small as large by their order of magnitude. Payments are one to ten to a
tx, at three fee rates about one long-term rate: a tenth, the same and five times as much. Both contenders take turns in every
round, on the same coins, payments and chance. Waste is Bitcoin Core's: what the inputs cost beyond the long-term rate, plus
what the change costs or what is given up for want of it; in units per tx, mean of a round, median of the rounds. `verified`:
every choice pays exactly, and none of ours wastes more than the draw.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from statistics import mean, median
from time import perf_counter
from typing import Any

from chains.bitcoin.coins import P2WPKH_INPUT_WEIGHT
from chains.bitcoin.selection import SCALE, Choice, Need, draw_alone, select, waste
from tests.bench.options import at_least, growing_sizes
from wallet.ports import Utxo

Say = Callable[[str], None]

SIZES, ROUNDS, TXS = (10, 1_000, 10_000), 5, 12
LONG_TERM_RATE = 10_000
RATES = (1_000, LONG_TERM_RATE, 5 * LONG_TERM_RATE)
_PATH = "m/84'/1'/0'/0/1"


@dataclass(frozen=True, slots=True)
class _Told:
    """Of one contender at one size in one round."""

    ms: float
    waste_units: float
    changeless: float


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=ROUNDS, help="medians are taken over so many rounds")
    parser.add_argument("--sizes", type=growing_sizes, default=SIZES, help="how many coins lie there")
    parser.add_argument("--txs", type=at_least(1), default=TXS, help="so many txs a round, at each size and fee rate")


async def measure(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    verified = True
    for size in asked.sizes:
        rounds: list[dict[str, _Told]] = []
        for number in range(asked.rounds):
            found, right = _round(size, asked.txs, seed=number)
            verified = verified and right
            rounds.append(found)
            say(f"{size} coins, round {number + 1} of {asked.rounds}  " + "  ".join(map(_line, found.items())))
        for name in rounds[0]:
            figures |= _figures(f"{name}_{size}", [each[name] for each in rounds])
    return {**figures, "verified": verified, "plan": {"rounds": asked.rounds, "sizes": asked.sizes, "txs": asked.txs}}


def _line(item: tuple[str, _Told]) -> str:
    name, told = item
    return f"{name} {told.ms:.2f} ms, {told.waste_units:,.0f} units wasted, {told.changeless:.0%} without change"


def _figures(name: str, told: list[_Told]) -> dict[str, float]:
    return {
        f"{name}_ms": round(median(one.ms for one in told), 3),
        f"{name}_waste_units": round(median(one.waste_units for one in told)),
        f"{name}_changeless": round(median(one.changeless for one in told), 2),
    }


def _round(size: int, txs: int, seed: int) -> tuple[dict[str, _Told], bool]:
    chance = Random(f"{size}/{seed}")
    coins = _coins(size, chance)
    needs = [_need(coins, rate, chance) for rate in RATES for _ in range(txs)]
    contenders = {"ours": select, "draw": draw_alone}
    names = list(contenders) if seed % 2 else list(contenders)[::-1]
    times: dict[str, list[float]] = {name: [] for name in names}
    choices: dict[str, list[Choice]] = {name: [] for name in names}
    for number, need in enumerate(needs):
        for name in names:
            started = perf_counter()
            choice = contenders[name](coins, need, Random(number))
            times[name].append(perf_counter() - started)
            choices[name].append(choice)
    pairs = zip(needs, choices["ours"], choices["draw"], strict=True)
    right = all(_pays(need, a) and _pays(need, b) and waste(a, need) <= waste(b, need) for need, a, b in pairs)
    return {name: _told(times[name], choices[name], needs) for name in contenders}, right


def _told(times: list[float], choices: list[Choice], needs: list[Need]) -> _Told:
    wasted = [waste(choice, need) / SCALE for choice, need in zip(choices, needs, strict=True)]
    changeless = sum(not choice.change_units for choice in choices) / len(choices)
    return _Told(median(times) * 1_000, mean(wasted), changeless)


def _pays(need: Need, choice: Choice) -> bool:
    return sum(coin.units for coin in choice.inputs) == need.target_units + choice.fee_units + choice.change_units


def _coins(size: int, chance: Random) -> list[Utxo]:
    return [Utxo(f"{n:064x}:0", int(10 ** chance.uniform(3, 8)), "an address", _PATH) for n in range(size)]


def _need(coins: list[Utxo], rate: int, chance: Random) -> Need:
    """Up to a quarter of what lies there, in one to ten payments."""
    payments = chance.randint(1, 10)
    most = sum(coin.units for coin in coins) // 4
    target = max(int(10 ** chance.uniform(4, 8)) * payments % most, 10_000)
    return Need(target, (31,) * payments, rate, LONG_TERM_RATE, 31, 294, P2WPKH_INPUT_WEIGHT, 10**12)
