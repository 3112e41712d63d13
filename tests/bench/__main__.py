"""Runs one measurement. With --json the last line is one JSON object."""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvloop

from tests.bench import (
    address_book,
    addresses,
    catch_up,
    coin_selection,
    export,
    growth,
    history,
    http,
    journal,
    latency,
    payouts_gas,
    recovery,
    rpc,
    scan_bitcoin,
    scan_evm,
    sign,
    slow_disk,
    verify,
    withdraw,
)

Say = Callable[[str], None]
Plan = argparse.Namespace


SHORT_SLICES = ("--seconds", "5")


@dataclass(frozen=True, slots=True)
class Measurement:
    """`add_options` gives it options of its own; `measure` returns figures that are ready for JSON. `short` and `long` are
    the words that `make bench` and `make bench-long` give it."""

    add_options: Callable[[argparse.ArgumentParser], None]
    measure: Callable[[Plan, Say], Coroutine[Any, Any, dict[str, Any]]]
    short: tuple[str, ...] = ()
    long: tuple[str, ...] = ()

    def takes(self) -> set[str]:
        """Names of its options."""
        parser = argparse.ArgumentParser(add_help=False)
        self.add_options(parser)
        return set(vars(parser.parse_args([])))


MEASUREMENTS = {
    "address_book": Measurement(address_book.add_options, address_book.measure),
    "addresses": Measurement(addresses.add_options, addresses.measure),
    "catch_up": Measurement(catch_up.add_options, catch_up.measure, ("--blocks", "2000")),
    "coin_selection": Measurement(coin_selection.add_options, coin_selection.measure),
    "export": Measurement(export.add_options, export.measure, long=("--rows", "1000000")),
    "growth": Measurement(growth.add_options, growth.measure, long=("--sizes", "10000,100000,1000000,10000000")),
    "history": Measurement(history.add_options, history.measure),
    "http": Measurement(http.add_options, http.measure, SHORT_SLICES),
    "latency": Measurement(latency.add_options, latency.measure),
    "journal": Measurement(journal.add_options, journal.measure_as_asked, SHORT_SLICES),
    "payouts_gas": Measurement(payouts_gas.add_options, payouts_gas.measure),
    "recovery": Measurement(recovery.add_options, recovery.measure, long=("--entries", "1000000")),
    "scan_bitcoin": Measurement(scan_bitcoin.add_options, scan_bitcoin.measure),
    "rpc": Measurement(rpc.add_options, rpc.measure),
    "scan_evm": Measurement(scan_evm.add_options, scan_evm.measure),
    "sign": Measurement(sign.add_options, sign.measure),
    "slow_disk": Measurement(slow_disk.add_options, slow_disk.measure, SHORT_SLICES),
    "withdraw": Measurement(withdraw.add_options, withdraw.measure),
    "verify": Measurement(verify.add_options, verify.measure, long=("--entries", "1000000")),
}


def say(line: str) -> None:
    """At once, so that a run can be followed through a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as the node runs
        figures = runner.run(MEASUREMENTS[asked.name].measure(asked, say))
    if asked.json:
        say(json.dumps(figures))
    return 0 if figures.get("verified", True) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    each = partial(parser.add_subparsers(dest="name", required=True).add_parser)
    for name, measurement in sorted(MEASUREMENTS.items()):
        own = each(name, help=f"measure {name}", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        own.add_argument("--json", action="store_true", help="end with one JSON object")
        measurement.add_options(own)
    return parser


if __name__ == "__main__":
    sys.exit(main())
