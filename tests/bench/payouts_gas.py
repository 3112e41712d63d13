"""Gas for each payout when many go in one tx, against the same payouts one by one. From receipts of a real chain.

Both pay the same amounts to as many payees of the same kind: those who hold the asset already, and those whom the chain has
never seen. What the node never does is measured too, ether to new accounts: that is why. Gas does not depend on the machine;
the rounds differ in the digits of addresses and amounts, which cost something as well.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from eth_abi.abi import encode
from eth_hash.auto import keccak

from chains.evm.address import checksum
from chains.evm.payout import EVERYTHING, Allowance, Creation, Paid, Payout, write_act
from chains.evm.token import transfer_call
from node.devnet.anvil import Anvil, find_anvil
from node.devnet.contracts import dev_dollar
from node.processes import attempts
from tests.bench.options import at_least

Say = Callable[[str], None]

GAS_EACH = 100_000  # what a payment may use, which is not what it uses
MINED_WITHIN_S, LOOK_EVERY_S = 20, 0.002
ETHER, DOLLARS = 10**15, 1_250_000
_NUMBERS = count(1)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=5, help="medians are taken over so many rounds")
    parser.add_argument("--payees", type=at_least(3), default=50, help="payouts in one tx, and one by one")


async def measure(plan: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON. `verified` says that every payee had what both ways should bring."""
    busy = os.getloadavg()[0]
    with TemporaryDirectory(prefix="coffer-") as folder:
        anvil = Anvil(Path(folder), find_anvil(), state=False)
        await anvil.start()
        try:
            payer = await _payer(anvil)
            rounds = [await _round(payer, plan, number, say) for number in range(plan.rounds)]
        finally:
            await anvil.stop()
    verified = all(found.pop("verified") for found in rounds)
    figures = {name: round(median(found[name] for found in rounds), 3) for name in rounds[0]}
    figures["setup_gas"] = payer.setup_gas
    say("median  " + "  ".join(f"{name} {value:,.3g}" for name, value in figures.items() if name.endswith("ratio")))
    return {**figures, "verified": verified, "rounds": rounds, "plan": vars(plan), "load_before": round(busy, 2)}


@dataclass(frozen=True, slots=True)
class _Payer:
    """An account of anvil's that owns a payout contract, which may move its tokens."""

    anvil: Anvil
    address: str
    token: str
    contract: str
    setup_gas: int

    async def send(self, target: str, data: bytes, wei: int = 0) -> int:
        """The gas that it used."""
        receipt = await _mined(self.anvil, {"from": self.address, "to": target, "data": _hex(data), "value": hex(wei)})
        return int(receipt["gasUsed"], 16)

    async def holding(self, target: str, *, ether: bool) -> int:
        if ether:
            return int(await self.anvil.rpc("eth_getBalance", target, "latest"), 16)
        call = {"to": self.token, "data": _hex(_call("balanceOf(address)", target))}
        return int(await self.anvil.rpc("eth_call", call, "latest"), 16)


async def _payer(anvil: Anvil) -> _Payer:
    address = (await anvil.accounts())[0]
    token = (await _mined(anvil, {"from": address, "data": dev_dollar().bytecode}))["contractAddress"]
    made = await _mined(anvil, {"from": address, "data": _hex(write_act(Creation()))})
    contract = made["contractAddress"]
    await _mined(anvil, {"from": address, "to": token, "data": _hex(_call("mint(address,uint256)", address, 10**15))})
    leave = _hex(write_act(Allowance(contract, EVERYTHING)))
    allowed = await _mined(anvil, {"from": address, "to": token, "data": leave})
    return _Payer(anvil, address, token, contract, sum(int(one["gasUsed"], 16) for one in (made, allowed)))


async def _round(payer: _Payer, plan: argparse.Namespace, number: int, say: Say) -> dict[str, Any]:
    """New payees are those who existing ones become: each kind has payees of its own for either way, which turn."""
    found: dict[str, Any] = {"verified": True}
    for asset, ether in (("erc20", False), ("ether", True)):
        single, together = _payees(plan.payees), _payees(plan.payees)
        for age in ("new", "existing"):
            if number % 2:
                single, together = together, single
            units = (ETHER if ether else DOLLARS) + number
            alone = sum([await _pay_alone(payer, payee, units, ether=ether) for payee in single])
            at_once = await _pay_together(payer, together, units, ether=ether)
            found[f"{asset}_{age}_single_gas"] = alone // plan.payees
            found[f"{asset}_{age}_gas"] = at_once // plan.payees
            found[f"{asset}_{age}_ratio"] = at_once / alone
        held = [await payer.holding(payee, ether=ether) for payee in (*single, *together)]
        found["verified"] &= held == [2 * units] * len(held)
    say(f"round {number + 1} of {plan.rounds}  " + "  ".join(_ratios(found)))
    return found


def _ratios(found: dict[str, Any]) -> list[str]:
    return [f"{name} {value:.3f}" for name, value in found.items() if name.endswith("_ratio")]


async def _pay_alone(payer: _Payer, payee: str, units: int, *, ether: bool) -> int:
    return await (payer.send(payee, b"", units) if ether else payer.send(payer.token, transfer_call(payee, units)))


async def _pay_together(payer: _Payer, payees: Sequence[str], units: int, *, ether: bool) -> int:
    payments = tuple(Paid(payee, units) for payee in payees)
    payout = (
        Payout(None, 0, payments) if ether else Payout(checksum(bytes.fromhex(payer.token[2:])), GAS_EACH, payments)
    )
    return await payer.send(payer.contract, write_act(payout), payout.units if ether else 0)


def _payees(number: int) -> list[str]:
    """As random as real ones: zeros in an address would make it cheaper to name."""
    return [checksum(keccak(f"payee {next(_NUMBERS)}".encode())[-20:]) for _ in range(number)]


async def _mined(anvil: Anvil, tx: dict[str, str]) -> dict[str, Any]:
    name = await anvil.rpc("eth_sendTransaction", {**tx, "gas": hex(12_000_000)})
    async for _ in attempts(MINED_WITHIN_S, LOOK_EVERY_S):  # anvil mines a moment after it has answered
        receipt: dict[str, Any] | None = await anvil.rpc("eth_getTransactionReceipt", name)
        if receipt is not None:
            break
    if receipt is None or receipt["status"] != "0x1":
        raise AssertionError(f"a tx of this measurement failed: {name}")
    return receipt


def _call(signature: str, *values: object) -> bytes:
    types = signature.partition("(")[2].removesuffix(")").split(",")
    return keccak(signature.encode())[:4] + encode(types, values)


def _hex(data: bytes) -> str:
    return "0x" + data.hex()
