"""Processor time for one full Bitcoin block of 4,000 txs, from its bytes.

`speedup`: bitcoinlib's parser over ours, on the same bytes. bitcoinlib reads the block with its txs and computes their ids; all
inputs are of kinds that it reads (taproot inputs it skips), and its log is silenced. Ours walks the block, computes the ids,
proves them against the Merkle root and the header, and notes each output of our kinds. `whole_speedup`: the same over our
whole scan, from the node's hexadecimal text to the deposits: header, work and height are checked, the address of each output
of our kinds is made and looked for among so many watched ones. Neither pays for the node. What passes the address book's
filter is looked up in a set, in place of a database. Contenders take turns, each round has its own ratios, medians are told.
`verified`: both found the same txs, and the scan just what the block pays us.
"""

import argparse
import importlib
import logging
import random
import warnings
from collections.abc import Callable, Collection, Sequence
from statistics import median
from time import process_time
from typing import Any

from chains.bitcoin.parameters import REGTEST
from chains.bitcoin.proven import ProvenHeaders
from chains.bitcoin.rawblock import parse_block
from chains.bitcoin.scan import blocks
from chains.rpc.client import JsonRpc
from chains.signer.signing import bitcoin as _loads_bitcoinlib_without_a_folder_at_home
from node.collector import settle_collector
from tests.bench.bitcoin_blocks import MadeBlock, make_block
from tests.bench.options import at_least
from wallet.addresses.filter import AddressFilter
from wallet.ids import NetworkId
from wallet.money import Asset

Say = Callable[[str], None]

ROUNDS, TXS, WATCHED = 5, 4_000, 1_000_000
TURNS = 10  # so often ours reads the block while bitcoinlib reads it once
BTC = Asset("BTC", 8)


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=ROUNDS, help="medians are taken over so many rounds")
    parser.add_argument("--txs", type=at_least(300), default=TXS, help="txs in the block")
    parser.add_argument("--watched", type=at_least(1), default=WATCHED, help="addresses in the book")


async def measure(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    made = make_block(asked.txs)
    book = Book([address for address, _ in made.paid.values()], asked.watched)
    library = _bitcoinlib()
    await _scan(made, book)  # tables are made once
    settle_collector()
    rounds: list[dict[str, float]] = []
    verified = True
    for number in range(asked.rounds):
        ours, same = _parse(made)
        whole, found = await _scan(made, book)
        theirs, ids = _library_parse(made, library)
        verified &= same and found == made.paid and ids == made.txs
        rounds.append({"parse_ms": ours, "scan_ms": whole, "bitcoinlib_ms": theirs})
        told = f"ours {ours:.1f} ms, whole scan {whole:.1f} ms, bitcoinlib {theirs:,.0f} ms"
        say(f"round {number + 1} of {asked.rounds}  {told}")
    figures = {name: round(median(each[name] for each in rounds), 2) for name in rounds[0]}
    ratios = {
        "speedup": round(median(each["bitcoinlib_ms"] / each["parse_ms"] for each in rounds), 1),
        "whole_speedup": round(median(each["bitcoinlib_ms"] / each["scan_ms"] for each in rounds), 1),
    }
    return {**ratios, **figures, "block_kb": len(made.octets) >> 10, "verified": verified, "plan": vars(asked)}


class Book:
    """The address book's own filter, and a set of what is ours for what passes it."""

    def __init__(self, ours: Sequence[str], watched: int) -> None:
        strangers = random.Random(2)
        self._ours = frozenset(ours)
        self._filter = AddressFilter(watched)
        self._filter.add([*ours, *[f"bcrt1q{strangers.getrandbits(190):038x}" for _ in range(watched - len(ours))]])

    async def known(self, _network: NetworkId, addresses: Collection[str]) -> frozenset[str]:
        return self._ours.intersection(self._filter.likely(addresses))


class Recorded(JsonRpc):
    """A node that has one block, at height 1."""

    def __init__(self, made: MadeBlock) -> None:
        super().__init__("http://recorded.invalid")
        self._id, self._text = made.id, made.octets.hex()

    async def call(self, method: str, params: Sequence[object], shape: Any) -> Any:
        assert (method, params[0], shape) == ("getblock", self._id, str)
        return self._text

    async def batch(self, calls: Sequence[Any], shape: Any) -> Any:
        assert ([*calls], shape) == ([("getblockhash", [1])], str)
        return [self._id]


def _parse(made: MadeBlock) -> tuple[float, bool]:
    started = process_time()
    for _ in range(TURNS):
        block = parse_block(made.octets, made.id)
    taken = (process_time() - started) * 1000 / TURNS
    return taken, tuple(digest[::-1].hex() for digest in block.digests) == made.txs


async def _scan(made: MadeBlock, book: Book) -> tuple[float, dict[str, tuple[str, int]]]:
    rpc = Recorded(made)
    found: dict[str, tuple[str, int]] = {}
    started = process_time()
    for _ in range(TURNS):
        reader = blocks(rpc, 1, 1, network=NetworkId("bitcoin"), proven=ProvenHeaders(REGTEST), asset=BTC, book=book)
        async for block in reader:
            found = {one.identity: (str(one.address), one.amount.units) for one in block.incoming}
    return (process_time() - started) * 1000 / TURNS, found


def _bitcoinlib() -> Any:
    assert _loads_bitcoinlib_without_a_folder_at_home
    logging.getLogger("bitcoinlib").setLevel(logging.CRITICAL)  # what it says of each taproot input is not measured
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("bitcoinlib.blocks").Block


def _library_parse(made: MadeBlock, library: Any) -> tuple[float, tuple[str, ...]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        started = process_time()
        block = library.parse_bytes(made.octets, parse_transactions=True)
        taken = (process_time() - started) * 1000
    return taken, tuple(tx.txid for tx in block.transactions)
