"""Calls a second through our JSON-RPC client and through AsyncWeb3, to the same anvil.

`single_speedup`: so many callers at once, each asking one balance per request and decoding it. `batch_speedup`: one caller
that asks a hundred balances per request. `alone_speedup`: one caller, one balance per request; the node's own time counts most
there. Contenders take turns, each round has its own ratios, medians are told. `verified`: both read the same balance.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from web3 import AsyncHTTPProvider, AsyncWeb3

from chains.rpc.client import BATCH_CALLS_MAX, JsonRpc
from node.devnet.anvil import Anvil, find_anvil
from tests.bench.options import at_least

Say = Callable[[str], None]
Ask = Callable[[], Awaitable[list[int]]]

CALLERS = 32
ROUNDS, CALLS = 7, 1_500


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=ROUNDS, help="medians are taken over so many rounds")
    parser.add_argument(
        "--calls", type=at_least(CALLERS), default=CALLS, help="balances that each contender asks a round"
    )
    parser.add_argument("--callers", type=at_least(1), default=CALLERS, help="at once, where each call is a request")


async def measure(plan: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON."""
    busy = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        anvil = Anvil(Path(folder), find_anvil(), state=False)
        await anvil.start()
        rpc, web3 = JsonRpc(anvil.url), AsyncWeb3(AsyncHTTPProvider(anvil.url))
        try:
            address = AsyncWeb3.to_checksum_address((await anvil.accounts())[0])
            contenders = _contenders(rpc, web3, address)
            verified = len({tuple(await ask())[:1] for ask, _ in contenders.values()}) == 1
            rounds = [await _round(contenders, plan, number, say) for number in range(plan.rounds)]
        finally:
            await rpc.close()
            await web3.provider.disconnect()
            await anvil.stop()
    figures = {name: round(median(found[name] for found in rounds), 2) for name in rounds[0]}
    say(f"median  {_told(figures)}")
    return {**figures, "verified": verified, "rounds": rounds, "plan": vars(plan), "load_before": round(busy, 2)}


def _contenders(rpc: JsonRpc, web3: AsyncWeb3[Any], address: str) -> dict[str, tuple[Ask, str]]:
    """What each does, and the way it is asked: by many callers, by one, or a hundred balances a request."""
    call = ("eth_getBalance", [address, "latest"])

    async def ours() -> list[int]:
        return [int(await rpc.call(*call, str), 16)]

    async def theirs() -> list[int]:
        return [int(await web3.eth.get_balance(address))]  # type: ignore[arg-type]

    async def our_batch() -> list[int]:
        return [int(text, 16) for text in await rpc.batch([call] * BATCH_CALLS_MAX, str)]

    async def their_batch() -> list[int]:
        async with web3.batch_requests() as batch:
            for _ in range(BATCH_CALLS_MAX):
                batch.add(web3.eth.get_balance(address))  # type: ignore[arg-type]
            balances: list[Any] = await batch.async_execute()
        return [int(balance) for balance in balances]

    return {
        "single": (ours, "many"),
        "web3_single": (theirs, "many"),
        "alone": (ours, "one"),
        "web3_alone": (theirs, "one"),
        "batch": (our_batch, "batch"),
        "web3_batch": (their_batch, "batch"),
    }


async def _round(
    contenders: dict[str, tuple[Ask, str]], plan: argparse.Namespace, number: int, say: Say
) -> dict[str, float]:
    names = list(contenders) if number % 2 else list(reversed(contenders))
    rates = {name: await _calls_per_s(*contenders[name], plan) for name in names}
    found = {f"{name}_speedup": rates[name] / rates[f"web3_{name}"] for name in ("single", "batch", "alone")}
    found |= {f"{name}_per_s": rate for name, rate in rates.items()}
    say(f"round {number + 1}  {_told(found)}")
    return {name: round(value, 2) for name, value in found.items()}


def _told(found: dict[str, float]) -> str:
    return "  ".join(
        f"{name}: {found[f'{name}_per_s']:,.0f} calls/s, {found[f'{name}_speedup']:.1f} times AsyncWeb3"
        for name in ("single", "batch", "alone")
    )


async def _calls_per_s(ask: Ask, way: str, plan: argparse.Namespace) -> float:
    callers = plan.callers if way == "many" else 1
    each = max(plan.calls // (callers * (BATCH_CALLS_MAX if way == "batch" else 1)), 1)

    async def caller() -> int:
        answered = 0
        for _ in range(each):
            answered += len(await ask())
        return answered

    await ask()
    started = perf_counter()
    answered = sum(await asyncio.gather(*(caller() for _ in range(callers))))
    return answered / (perf_counter() - started)
