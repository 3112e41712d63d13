"""A whole node on a real anvil and a real bitcoind, each seen through two providers of which one lies, lie after lie.

While a lie is told nothing is credited but what both show alike; when it ends, each deposit is there once, with what truly
came.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chains.quorum import dispute
from chains.quorum.coins import CoinQuorum
from chains.quorum.contracts import ContractQuorum
from chains.rpc import circuit
from node.build_networks import build_networks
from node.config import read_config
from node.workers.follow_network import follow_network
from tests.integration.chains.evm.lying import Alter, LyingNode, Refusal
from tests.scenario.house import BITCOIN, ETHEREUM, House
from wallet import schema
from wallet.addresses.book import StoredAddressBook
from wallet.ids import NetworkId
from wallet.ports import NetworkError

WORD = "0x" + "11" * 32
LOOKS = 3  # of the node while a lie is told


@dataclass(frozen=True, slots=True)
class Deceived:
    house: House
    lying: dict[NetworkId, LyingNode]


@pytest.fixture
async def deceived(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Deceived]:
    """Both networks behind two providers that must agree; conflicts are asked about at every look, circuits close at once."""
    monkeypatch.setattr(dispute, "RECHECK_MS", 0)
    monkeypatch.setattr(circuit, "PAUSE_LEAST_MS", 1)
    monkeypatch.setattr(circuit, "PAUSE_MAX_MS", 1)
    bitcoind = house.devnet.bitcoind
    lying = {
        ETHEREUM: LyingNode(house.devnet.anvil.url),
        BITCOIN: LyingNode(bitcoind.url.replace("://", f"://{bitcoind.user}:{bitcoind.password}@")),
    }
    for node in lying.values():
        await node.start()
    urls = {f"COFFER__NETWORKS__{name.upper()}__URL": node.url for name, node in lying.items()}
    config = read_config(tmp_path / "node" / "coffer.toml", urls)
    keys = {row["id"]: row["public_keys"] for row in await house.rows(schema.networks)}
    others = build_networks(config, keys, StoredAddressBook(house.context.reads)).adapters
    networks: Any = house.context.networks
    for name, several in ((ETHEREUM, ContractQuorum), (BITCOIN, CoinQuorum)):
        networks[name] = several({"honest.example": networks[name], "lying.example": others[name]}, 2)
    yield Deceived(house, lying)
    for name, node in lying.items():
        await others[name].close()
        await node.stop()


def refuse(_: list[Any], __: Any) -> Any:
    raise Refusal(-32000, "not now")


def of(name: str, alter: Callable[[Any], Any]) -> Alter:
    """The lie about the block, or the heights, that is asked for by this name."""
    return lambda params, truth: alter(truth) if params and params[0] == name else truth


def lagging(params: list[Any], block: Any) -> Any:
    """The provider has not seen the last blocks."""
    if params[0] in ("latest", "finalized"):
        height = int(block["number"], 16) - 5
        return {**block, "number": hex(max(height, 0)), "hash": WORD}
    return None if block is not None and params[1] else block


def richer(_: list[Any], block: Any) -> Any:
    """Txs pay a hundred times of what they pay."""
    if block is None or not block["transactions"] or isinstance(block["transactions"][0], str):
        return block
    return {**block, "transactions": [{**tx, "value": tx["value"] + "00"} for tx in block["transactions"]]}


EVM_LIES: dict[str, dict[str, Alter]] = {
    "another final block": {"eth_getBlockByNumber": of("finalized", lambda block: {**block, "hash": WORD})},
    "a tip that nobody else has": {"eth_getBlockByNumber": of("latest", lambda block: {**block, "hash": WORD})},
    "more value in txs": {"eth_getBlockByNumber": richer},
    "no receipts": {"eth_getBlockReceipts": lambda _, __: []},
    "receipts of failure": {"eth_getBlockReceipts": lambda _, told: [{**receipt, "status": "0x0"} for receipt in told]},
    "richer addresses": {"eth_getBalance": lambda _, told: told + "00" if told != "0x0" else told},
    "poorer addresses": {"eth_getBalance": lambda _, __: "0x0"},
    "lag with half of the answers from elsewhere": {"eth_getBlockByNumber": lagging},
    "no answers": {"eth_getBlockByNumber": refuse, "eth_getBlockReceipts": refuse},
    "another chain": {"eth_chainId": lambda _, __: "0x1", "eth_getBlockByNumber": refuse},
}


def elsewhere(_: list[Any], told: Any) -> Any:
    return "22" * 32


BITCOIN_LIES: dict[str, dict[str, Alter]] = {
    "other blocks": {"getblockhash": elsewhere},
    "a tip that nobody else has": {"getblockchaininfo": lambda _, told: {**told, "bestblockhash": "22" * 32}},
    "a longer chain": {"getblockchaininfo": lambda _, told: {**told, "blocks": told["blocks"] + 50}},
    "half a block": {"getblock": lambda _, told: told[: len(told) // 4 * 2]},
    "a richer wallet": {"scantxoutset": lambda _, told: {**told, "total_amount": 21.5}},
    "no answers": {"getblock": refuse, "getblockhash": refuse},
}


async def credited(house: House, network: NetworkId) -> list[int]:
    return [row["units"] for row in await house.deposits() if row["network"] == network and row["state"] == "credited"]


async def looked(deceived: Deceived, network: NetworkId) -> None:
    try:
        await follow_network(deceived.house.context, deceived.house.context.networks[network])
    except NetworkError:
        return


async def through(
    deceived: Deceived, network: NetworkId, lies: dict[str, dict[str, Alter]], unit: int, pay: Any
) -> None:
    """One deposit for each lie, of another amount each."""
    house, lying = deceived.house, deceived.lying[network]
    expected: list[int] = []
    for number, (name, told) in enumerate(lies.items(), 1):
        lying.lies, lying.told = dict(told), {}
        await pay(number)
        await house.mine(4)
        for _ in range(LOOKS):
            await looked(deceived, network)
        assert await credited(house, network) in (expected, [*expected, number * unit]), name
        assert any(lying.told.get(method) for method in told), f"{name}: the lie was not told"
        lying.lies = {}
        expected.append(number * unit)
        await house.mine()
        await house.until(lambda: _is(house, network, expected), network)


async def _is(house: House, network: NetworkId, expected: list[int]) -> bool:
    return await credited(house, network) == expected


async def test_rpc_04_no_lie_of_one_evm_provider_credits_or_loses_anything(deceived: Deceived) -> None:
    house = deceived.house
    address = await house.address(await house.customer("ann"), ETHEREUM)

    async def pay(number: int) -> None:
        await house.devnet.anvil.receipt(await house.devnet.anvil.pay(address, number * 10**15))

    await through(deceived, ETHEREUM, EVM_LIES, 10**15, pay)


@pytest.mark.whole
async def test_rpc_04_no_lie_of_one_bitcoind_credits_or_loses_anything(deceived: Deceived) -> None:
    house = deceived.house
    address = await house.address(await house.customer("bob"), BITCOIN)

    async def pay(number: int) -> None:
        await house.devnet.bitcoind.pay(address, f"0.{number:03}")

    await through(deceived, BITCOIN, BITCOIN_LIES, 100_000, pay)
