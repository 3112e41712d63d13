"""Signatures a second through the signer, against eth-account alone: what judging and remembering each of them costs.

The signer is the real process, asked over its socket, with its memory synced before anything is answered; requests go many
to a question, as the node sends them. eth-account signs the very same txs with the same key in this process and remembers
nothing. Each round does both and compares the bytes; `share_of_eth_account` is taken within a round. `single_per_s` is for
requests that come one at a time, each with a sync of its own.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from eth_account import Account

from chains.evm.decode import EvmTx, encode_unsigned
from chains.signer.keys.keys import Keys
from chains.signer.keys.keystore import open_keystore
from chains.signer_client import SignerClient
from tests.bench.options import at_least
from wallet.ids import NetworkId, SubmissionId
from wallet.ports import JournalKnows, Purpose, Signed, SignerSeen, SignerUnavailable, SignRequest

Say = Callable[[str], None]

HOT = "m/44'/60'/1'/0/0"
PAYEE = "0x52908400098527886E0F7030069857D2E4169EE7"
START_S_MAX = 30
CONFIG = """
[signer]
folder = "keys"
socket = "run/signer.sock"
passphrase_file = "keys/passphrase"
dev = true

[networks.ethereum]
kind = "evm"
chain_id = 31337
fee_max = "1"
fee_window_max = "1000000"
gas_funding_max = "1"
window_s = 3600
[networks.ethereum.assets.ETH]
decimals = 18
submission_max = "1"
window_max = "1000000"
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=5, help="medians are taken over so many rounds")
    parser.add_argument("--signatures", type=at_least(64), default=2048, help="txs to sign in each round")
    parser.add_argument("--single", type=at_least(1), default=200, help="of them asked for one at a time as well")


async def measure(plan: argparse.Namespace, say: Say) -> dict[str, Any]:
    """All figures, ready for JSON. `verified` says that both made the same bytes in every round."""
    busy = os.getloadavg()[0]
    with TemporaryDirectory(prefix="coffer-") as folder:
        async with _running(Path(folder)) as client:
            key = _hot_key(Path(folder))
            await client.sign_many([_request("warm", 0, 0)])
            rounds = [await _round(client, key, number, plan, say) for number in range(plan.rounds)]
    same = all(found.pop("same") for found in rounds)
    figures = {name: round(median(found[name] for found in rounds), 3) for name in rounds[0]}
    say("median  " + "  ".join(f"{name} {value:,.2f}" for name, value in figures.items()))
    return {**figures, "verified": same, "rounds": rounds, "plan": vars(plan), "load_before": round(busy, 2)}


async def _round(client: SignerClient, key: bytes, number: int, plan: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Which goes first turns from round to round."""
    first = 1 + number * (plan.signatures + plan.single)
    requests = [_request("batch", number, first + place) for place in range(plan.signatures)]
    singles = [_request("single", number, first + plan.signatures + place) for place in range(plan.single)]
    txs = [_fields(first + place) for place in range(plan.signatures)]
    took: dict[str, float] = {}
    made: dict[str, list[bytes]] = {}
    for contender in ("signer", "eth_account") if number % 2 else ("eth_account", "signer"):
        start = perf_counter()
        made[contender] = await _signed(client, requests) if contender == "signer" else _by_eth_account(txs, key)
        took[contender] = perf_counter() - start
    start = perf_counter()
    for request in singles:
        await client.sign(request)
    figures: dict[str, Any] = {
        "share_of_eth_account": took["eth_account"] / took["signer"],
        "signer_per_s": plan.signatures / took["signer"],
        "eth_account_per_s": plan.signatures / took["eth_account"],
        "single_per_s": plan.single / (perf_counter() - start),
    }
    say(f"round {number + 1} of {plan.rounds}  " + "  ".join(f"{name} {n:,.2f}" for name, n in figures.items()))
    return {**figures, "same": made["signer"] == made["eth_account"]}


async def _signed(client: SignerClient, requests: Sequence[SignRequest]) -> list[bytes]:
    outcomes = await client.sign_many(requests)
    assert all(isinstance(one, Signed) for one in outcomes), "no limit of this measurement's policy is near"
    return [one.payload for one in outcomes if isinstance(one, Signed)]


def _by_eth_account(txs: Sequence[dict[str, object]], key: bytes) -> list[bytes]:
    return [bytes(Account.sign_transaction(tx, key).raw_transaction) for tx in txs]


def _request(kind: str, number: int, nonce: int) -> SignRequest:
    payload = encode_unsigned(
        EvmTx(
            chain_id=31337,
            nonce=nonce,
            max_priority_fee_per_gas=10**9,
            max_fee_per_gas=2 * 10**9,
            gas_limit=21_000,
            target=PAYEE,
            value=10**9,
            calldata=b"",
        )
    )
    name = f"{kind}_{number}_{nonce}"
    return SignRequest(
        SubmissionId(f"sub_{name}"), NetworkId("ethereum"), Purpose.WITHDRAWAL, (f"wdr_{name}",), payload, (HOT,)
    )


def _fields(nonce: int) -> dict[str, object]:
    return {
        "type": 2,
        "chainId": 31337,
        "nonce": nonce,
        "maxPriorityFeePerGas": 10**9,
        "maxFeePerGas": 2 * 10**9,
        "gas": 21_000,
        "to": PAYEE,
        "value": 10**9,
        "data": b"",
        "accessList": (),
    }


@asynccontextmanager
async def _running(folder: Path) -> AsyncIterator[SignerClient]:
    config = folder / "signer.toml"
    config.touch(mode=0o600)
    config.write_text(CONFIG, encoding="utf-8")
    command = [sys.executable, "-m", "chains.signer", "--config", str(config)]
    with (folder / "signer.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stderr=log)
    client = SignerClient(folder / "run" / "signer.sock")
    client.show(_unquestioned)
    try:
        await _listening(client)
        yield client
    finally:
        process.terminate()
        await process.wait()


async def _unquestioned(seen: SignerSeen) -> JournalKnows:
    """This measurement has no journal; it contradicts nothing."""
    return JournalKnows(seen.seq, seen.head, seen.head, (), ())


async def _listening(client: SignerClient) -> None:
    async with asyncio.timeout(START_S_MAX):
        while True:
            try:
                await client.status()
            except SignerUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


def _hot_key(folder: Path) -> bytes:
    """The measurement's own throw-away seed, so that both sign with one key."""
    passphrase = (folder / "keys" / "passphrase").read_bytes().strip()
    return Keys(open_keystore(folder / "keys" / "keystore.json", passphrase).entropy).reveal_private_key(HOT)
