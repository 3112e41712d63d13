"""Blocks of an EVM chain as a node writes them, made up: full ones, of transfers and of what contracts do, each the child of
the one before. A few of each block's payments go to given addresses."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from chains.evm.token import TRANSFER_TOPIC

TXS = 500
OURS = 3  # of a block's payments
USDT = "0xdac17f958d2ee523a2206206994597c13d831ec7"
_SWAP, _SYNC = (
    "0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822",
    "0x1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1",
)
_ETHER = 10**18


@dataclass(slots=True)
class RecordedBlock:
    """`block` and `receipts` are the results of the two calls, as bytes. `paid` is what our addresses got."""

    number: int
    hash: str
    parent: str
    block: bytes
    receipts: bytes
    paid: dict[tuple[str | None, str], int] = field(default_factory=dict)


def make_blocks(count: int, ours: Sequence[str], seed: int = 1) -> list[RecordedBlock]:
    """`ours` are in lower case, and are paid in turn; heights begin at 1."""
    chance, made, parent = random.Random(seed), list[RecordedBlock](), f"0x{1:064x}"
    for number in range(1, count + 1):
        made.append(_Maker(chance, number, parent, [ours[(number * OURS + i) % len(ours)] for i in range(OURS)]).made())
        parent = made[-1].hash
    return made


def _bytes(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _word(chance: random.Random) -> str:
    return f"0x{chance.getrandbits(256):064x}"


def _address(chance: random.Random) -> str:
    return f"0x{chance.getrandbits(160):040x}"


def _topic(address: str) -> str:
    return "0x" + "0" * 24 + address[2:]


class _Maker:
    """Two fifths pay ether, two fifths pay tokens (a half of them a listed one), one fifth trade. About two logs a tx."""

    def __init__(self, chance: random.Random, number: int, parent: str, ours: Sequence[str]) -> None:
        self._chance, self._number, self._parent, self._ours = chance, number, parent, list(ours)
        self._hash = _word(chance)
        self._paid: dict[tuple[str | None, str], int] = {}
        self._logs = 0

    def made(self) -> RecordedBlock:
        pairs = [self._tx(index) for index in range(TXS)]
        block = {
            **self._header(),
            "transactions": [tx for tx, _ in pairs],
            "withdrawals": [],
            "uncles": [],
        }
        receipts = [receipt for _, receipt in pairs]
        return RecordedBlock(self._number, self._hash, self._parent, _bytes(block), _bytes(receipts), self._paid)

    def _header(self) -> dict[str, object]:
        words = ("stateRoot", "transactionsRoot", "receiptsRoot", "mixHash", "sha3Uncles", "withdrawalsRoot")
        return {
            "number": hex(self._number),
            "hash": self._hash,
            "parentHash": self._parent,
            "timestamp": hex(1_700_000_000 + 12 * self._number),
            "miner": _address(self._chance),
            "difficulty": "0x0",
            "totalDifficulty": "0x0",
            "extraData": "0x6265617665726275696c642e6f7267",
            "gasLimit": "0x2255100",
            "gasUsed": "0x1c9c380",
            "baseFeePerGas": "0x12a05f200",
            "logsBloom": "0x" + "00" * 256,
            "nonce": "0x0000000000000000",
            "size": "0x2d3a1",
            **{name: _word(self._chance) for name in words},
        }

    def _tx(self, index: int) -> tuple[dict[str, object], dict[str, object]]:
        source = _address(self._chance)
        kind = index % 5
        ours = self._ours.pop() if self._ours and index % 150 in (0, 1) else None
        if kind in (0, 2):
            target, value, logs, data = ours or _address(self._chance), _ETHER + index, list[dict[str, object]](), "0x"
            self._count(None, ours, value)
        elif kind in (1, 3):
            target, value = (USDT if kind == 1 else _address(self._chance)), 0
            payee = (ours if kind == 1 else None) or _address(self._chance)
            units = 1_000_000 + index
            logs = [self._log(index, target, [TRANSFER_TOPIC, _topic(source), _topic(payee)], f"0x{units:064x}")]
            data = "0xa9059cbb" + _topic(payee)[2:] + f"{units:064x}"
            self._count(USDT, ours if kind == 1 else None, units)
        else:
            target, value, logs, data = _address(self._chance), 0, self._trade(index, source), "0x" + "5a" * 300
        return self._tx_fields(index, source, target, value, data), self._receipt(index, source, target, logs)

    def _count(self, contract: str | None, ours: str | None, units: int) -> None:
        if ours is not None:
            self._paid[contract, ours] = self._paid.get((contract, ours), 0) + units

    def _trade(self, index: int, trader: str) -> list[dict[str, object]]:
        """Over two pools, as most find their price: three tokens move, and each pool says so twice."""
        pools, tokens = [_address(self._chance) for _ in range(2)], [_address(self._chance) for _ in range(3)]
        ends = [trader, *pools, trader]
        logs = []
        for place, token in enumerate(tokens):
            topics = [TRANSFER_TOPIC, _topic(ends[place]), _topic(ends[place + 1])]
            logs.append(self._log(index, token, topics, _word(self._chance)))
        for pool in pools:
            logs.append(self._log(index, pool, [_SYNC], "0x" + _word(self._chance)[2:] * 2))
            swap = [_SWAP, _topic(trader), _topic(trader)]
            logs.append(self._log(index, pool, swap, "0x" + _word(self._chance)[2:] * 4))
        return logs

    def _log(self, index: int, address: str, topics: list[str], data: str) -> dict[str, object]:
        self._logs += 1
        return {
            "address": address,
            "topics": topics,
            "data": data,
            "blockNumber": hex(self._number),
            "transactionHash": self._tx_hash(index),
            "transactionIndex": hex(index),
            "blockHash": self._hash,
            "logIndex": hex(self._logs - 1),
            "removed": False,
        }

    def _tx_hash(self, index: int) -> str:
        return f"{self._hash[:50]}{index:016x}"

    def _tx_fields(self, index: int, source: str, target: str, value: int, data: str) -> dict[str, object]:
        return {
            "blockHash": self._hash,
            "blockNumber": hex(self._number),
            "hash": self._tx_hash(index),
            "transactionIndex": hex(index),
            "type": "0x2",
            "chainId": "0x1",
            "nonce": hex(index),
            "from": source,
            "to": target,
            "value": hex(value),
            "gas": "0x30d40",
            "gasPrice": "0x12a05f201",
            "maxFeePerGas": "0x2540be400",
            "maxPriorityFeePerGas": "0x1",
            "input": data,
            "accessList": [],
            "v": "0x1",
            "yParity": "0x1",
            "r": _word(self._chance),
            "s": _word(self._chance),
        }

    def _receipt(self, index: int, source: str, target: str, logs: list[dict[str, object]]) -> dict[str, object]:
        return {
            "blockHash": self._hash,
            "blockNumber": hex(self._number),
            "transactionHash": self._tx_hash(index),
            "transactionIndex": hex(index),
            "type": "0x2",
            "status": "0x1",
            "from": source,
            "to": target,
            "contractAddress": None,
            "cumulativeGasUsed": hex(21_000 * (index + 1)),
            "gasUsed": "0x5208",
            "effectiveGasPrice": "0x12a05f201",
            "logsBloom": "0x" + "00" * 256,
            "logs": logs,
        }
