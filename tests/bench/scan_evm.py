"""Processor time for one full EVM block (500 txs, with receipts), from the node's bytes to the deposits in it.

`speedup_1m` and `speedup_10m`: web3.py's own formatters over ours, with so many addresses watched. web3.py gets the same bytes,
formats block and receipts as `get_block` and `get_block_receipts` do, and what they name is looked for in a Python set; nothing
is decoded of its logs but where a Transfer goes, nothing is checked and no balance is asked for. Ours is the whole scan:
decoding, all checks of txs, receipts and logs, the address book with its look at what is new and the exact look-up of what is
left (in a real database, whose own time does not count), and the proof of what arrived by balances; not the hashing of all
receipts to the root in the header, which costs many times the rest and which web3.py does not offer. Neither pays for HTTP. The
watched addresses stand in the book as in a node that has just started; in the database are those that are paid.
Contenders take turns, each round has its own ratios, medians are told. `verified`: both found just what the blocks pay us.
"""

import argparse
import gc
import json
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import count
from statistics import median
from time import process_time
from typing import Any

import asyncpg
from web3 import Web3
from web3.providers.base import JSONBaseProvider

from chains.evm.address import parse_address
from chains.evm.block_proof import Proofs
from chains.evm.listings import read_listings
from chains.evm.scan import WINDOW_BLOCKS, Scan
from chains.evm.token import TRANSFER_TOPIC
from chains.rpc.client import JsonRpc
from node.collector import settle_collector
from node.compose import make_reading_engine
from tests.bench.cluster import running_cluster
from tests.bench.evm_blocks import OURS, USDT, RecordedBlock, make_blocks
from tests.bench.options import at_least, growing_sizes
from wallet.addresses.book import StoredAddressBook
from wallet.addresses.filter import AddressFilter
from wallet.ids import NetworkId
from wallet.money import Asset
from wallet.ports import Listing

Say = Callable[[str], None]
Found = dict[tuple[str | None, str], int]

ROUNDS, SIZES = 5, (1_000_000, 10_000_000)
BLOCKS = WINDOW_BLOCKS  # as many as the scan asks for at once: bytes that have just arrived are near the processor
TURNS = 10  # so often ours reads the blocks while web3.py reads two of them
WEB3_BLOCKS = 2
HERE = NetworkId("ethereum")
ETH, USD = Asset("ETH", 18), Asset("USDT", 6)
_TOPIC = bytes.fromhex(TRANSFER_TOPIC[2:])
_ID = b'{"jsonrpc":"2.0","id":'
_INSERT = """
INSERT INTO addresses (id, version, network, address, path, owner, created_at)
SELECT 'adr_' || nth, 1, 'ethereum', address, 'm', 'cus_1', now() FROM unnest($1::text[]) WITH ORDINALITY AS x (address, nth)
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=ROUNDS, help="medians are taken over so many rounds")
    parser.add_argument("--sizes", type=growing_sizes, default=SIZES, help="so many watched addresses, with commas")


async def measure(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    ours = [f"0x{number:040x}" for number in range(10**30, 10**30 + OURS * BLOCKS)]
    blocks = make_blocks(BLOCKS, ours)
    figures: dict[str, Any] = {"verified": True, "block_kb": len(blocks[0].block + blocks[0].receipts) >> 10}
    async with _book(ours) as book:
        for size in asked.sizes:
            rounds = await _sized(size, asked.rounds, blocks, ours, book, say)
            name = _short(size)
            figures[f"speedup_{name}"] = round(median(web3 / own for own, web3, _ in rounds), 1)
            figures[f"ms_{name}"] = round(median(own for own, _, _ in rounds), 2)
            figures[f"web3_ms_{name}"] = round(median(web3 for _, web3, _ in rounds), 1)
            figures["verified"] &= all(same for _, _, same in rounds)
    return {**figures, "plan": {"rounds": asked.rounds, "sizes": asked.sizes}}


async def _sized(
    size: int, rounds: int, blocks: list[RecordedBlock], ours: Sequence[str], book: StoredAddressBook, say: Say
) -> list[tuple[float, float, bool]]:
    """Per round the milliseconds of both, and whether they found what is there."""
    watched = set(ours)
    strangers = random.Random(2)
    while len(watched) < size:
        watched.add(f"0x{strangers.getrandbits(160):040x}")
    book._filter = AddressFilter(size)
    book._filter.add(list(watched))
    settle_collector()
    scan = Scan(
        Recorded(blocks), network=HERE, chain_id=1, listings=_listings(), book=book, traces=False, proofs=Proofs.OFF
    )
    found = []
    for number in range(rounds):
        gc.collect()  # neither clears away after the other
        own, what = await _ours(scan)
        gc.collect()
        web3, same = _web3(blocks, watched)
        found.append((own, web3, what == _paid(blocks) and same))
        say(f"round {number + 1} of {rounds}  {size:,} watched  ours {own:.2f} ms a block  web3.py {web3:.1f} ms")
    gc.unfreeze()
    return found


async def _ours(scan: Scan) -> tuple[float, Found]:
    found: Found = {}
    started = process_time()
    for _ in range(TURNS):
        found = {}
        async for block in scan.blocks(1, BLOCKS):
            for incoming in block.incoming:
                contract = None if incoming.amount.asset == ETH else USDT
                key = (contract, incoming.address.lower() if incoming.address else "")
                found[key] = found.get(key, 0) + incoming.amount.units
                assert incoming.doubt is None, incoming
    return (process_time() - started) * 1000 / (TURNS * BLOCKS), found


def _web3(blocks: list[RecordedBlock], watched: set[str]) -> tuple[float, bool]:
    client, same = Web3(_Replayed(blocks)), True
    started = process_time()
    for recorded in blocks[:WEB3_BLOCKS]:
        found: Found = {}
        block = client.eth.get_block(recorded.number, full_transactions=True)
        receipts = client.eth.get_block_receipts(recorded.number)
        for tx in block["transactions"]:
            assert not isinstance(tx, bytes)
            _add(found, None, str(tx["to"]).lower(), tx["value"], watched)
        for receipt in receipts:
            for log in receipt["logs"]:
                if len(log["topics"]) == 3 and log["topics"][0] == _TOPIC and log["address"].lower() == USDT:
                    _add(found, USDT, "0x" + log["topics"][2][12:].hex(), int.from_bytes(log["data"], "big"), watched)
        same &= found == recorded.paid
    return (process_time() - started) * 1000 / WEB3_BLOCKS, same


def _add(found: Found, contract: str | None, address: str, units: int, watched: set[str]) -> None:
    if address in watched and units:
        found[contract, address] = found.get((contract, address), 0) + units


def _paid(blocks: list[RecordedBlock]) -> Found:
    paid: Found = {}
    for block in blocks:
        for holder, units in block.paid.items():
            paid[holder] = paid.get(holder, 0) + units
    return paid


class _Replayed(JSONBaseProvider):
    def __init__(self, blocks: Sequence[RecordedBlock]) -> None:
        super().__init__()
        self._blocks = {hex(block.number): block for block in blocks}

    def make_request(self, method: Any, params: Any) -> Any:
        recorded = self._blocks[params[0]]
        result = recorded.block if method == "eth_getBlockByNumber" else recorded.receipts
        return self.decode_rpc_response(b'{"jsonrpc":"2.0","id":1,"result":' + result + b"}")


class Recorded(JsonRpc):
    """The node's answers without the way to it: everything from the bytes on is the client's own."""

    def __init__(self, blocks: Sequence[RecordedBlock]) -> None:
        super().__init__("http://127.0.0.1:9")
        self._ids = count(
            10**9
        )  # all of one length, so that a long answer is put together once and only its ids change
        self._kept: dict[str, tuple[bytearray, list[int]]] = {}
        self._by_height = {hex(block.number): block for block in blocks}
        self._by_hash = {block.hash: block for block in blocks}

    async def _post(self, body: bytes) -> bytes:
        asked = json.loads(body)
        name = json.dumps([(one["method"], one["params"]) for one in asked])
        if name not in self._kept:
            self._kept[name] = self._put_together(asked)
        answer, places = self._kept[name]
        for place, one in zip(places, asked, strict=True):
            answer[place : place + 10] = b"%d" % one["id"]
        return answer  # type: ignore[return-value]  # as good as bytes to whoever decodes it

    def _put_together(self, asked: list[dict[str, Any]]) -> tuple[bytearray, list[int]]:
        answer, places = bytearray(b"["), list[int]()
        for one in asked:
            places.append(len(answer) + len(_ID))
            answer += _ID + b'%d,"result":%s},' % (one["id"], self._result(one["method"], one["params"]))
        answer[-1:] = b"]"
        return answer, places

    def _result(self, method: str, params: list[Any]) -> bytes:
        if method == "eth_getBlockByNumber":
            return self._by_height[params[0]].block
        if method == "eth_getBlockReceipts":
            return self._by_hash[params[0]].receipts
        if method == "eth_getBalance":
            return json.dumps(hex(self._balance(None, params[0], params[1]))).encode()
        data = params[0]["data"]
        owner = f"0x{data[-40:]}"
        word = 6 if len(data) < 40 else self._balance(params[0]["to"], owner, params[1])
        return json.dumps(f"0x{word:064x}").encode()

    def _balance(self, contract: str | None, owner: str, at: Mapping[str, str]) -> int:
        block = self._by_hash.get(at["blockHash"])
        blocks = [] if block is None else [one for one in self._by_hash.values() if one.number <= block.number]
        return sum(one.paid.get((contract, owner.lower()), 0) for one in blocks)


@asynccontextmanager
async def _book(ours: Sequence[str]) -> AsyncIterator[StoredAddressBook]:
    """On a real database that has the addresses that are paid."""
    async with running_cluster() as cluster:
        owner = await asyncpg.connect(cluster.books.owner)
        await owner.execute(_INSERT, [parse_address(address) for address in ours])
        await owner.close()
        reads = make_reading_engine(cluster.books.books)
        book = StoredAddressBook(reads)
        assert len(await book.known(HERE, ours)) == len(ours)
        yield book
        await reads.dispose()


def _listings() -> Any:
    return read_listings((Listing(HERE, ETH, None, 18), Listing(HERE, USD, USDT, 6)))


def _short(size: int) -> str:
    return f"{size // 1_000_000}m" if size >= 1_000_000 else f"{size}"
