"""The chain block by block, with what it pays to addresses of ours. Scripts are compared, never the node's labels.

What this prevents: a deposit that is missed, seen twice, or believed before it counts. Blocks are read whole and raw and are
checked against their id (`rawblock`); a block that cannot be read raises and is never skipped.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Final

import msgspec

from chains.ahead import in_order
from chains.bitcoin.answers import INVALID_ADDRESS_OR_KEY, INVALID_PARAMETER, ChainState, Header, Indexes
from chains.bitcoin.bech32_bulk import addresses_of
from chains.bitcoin.parameters import Chain
from chains.bitcoin.proven import ProvenHeaders
from chains.bitcoin.rawblock import RawBlock, parse_block
from chains.bitcoin.rawtx import RawContradicted, RawMalformed
from chains.rpc.client import JsonRpc, RpcError
from wallet.ids import NetworkId
from wallet.money import Amount, Asset
from wallet.ports import (
    AddressBook,
    Block,
    BlockRef,
    BlockVanished,
    Incoming,
    NetworkMismatch,
    NetworkUnproven,
    NetworkUnreachable,
)

BLOCKS_AT_ONCE: Final = 4  # as many as bitcoind serves at once; full blocks as hexadecimal text are 8 MB each
HEIGHTS_PER_REQUEST: Final = 50  # block ids are asked for in batches when there is much to walk
COINBASE_MATURITY: Final = 100  # Bitcoin Core's consensus.h: a miner's reward cannot be spent before, and may vanish
_RAW: Final = 0  # getblock's verbosity


async def identity(rpc: JsonRpc, chain: Chain) -> str:
    """The ids of blocks 0 and 1: every regtest has the same genesis, and its first mined block tells it apart.

    Raises `NetworkMismatch` for another chain than configured or a node without a tx index, which `status` needs.
    """
    state = await rpc.call("getblockchaininfo", [], ChainState)
    if state.chain != chain.told_as:
        raise NetworkMismatch(f"the node serves the chain {_quoted(state.chain)}, the configuration says {chain.name}")
    if (await rpc.call("getindexinfo", [], Indexes)).txindex is None:
        raise NetworkMismatch("the node keeps no tx index: start it with -txindex=1")
    first = await block_id(rpc, 1)
    if first is None:
        raise NetworkUnreachable("the node has no block 1 yet: its chain cannot be told from others")
    return f"{await rpc.call('getblockhash', [0], str)}:{first}"


async def tip(rpc: JsonRpc) -> BlockRef:
    state = await rpc.call("getblockchaininfo", [], ChainState)
    return BlockRef(state.blocks, state.bestblockhash)


async def final(rpc: JsonRpc, confirmations: int) -> BlockRef | None:
    """The block with exactly the confirmations that the policy asks for, or None while the chain is shorter."""
    height = (await tip(rpc)).height - confirmations + 1
    if height < 0:
        return None
    ref = await block_ref(rpc, height)
    if ref is None or (await header(rpc, ref.id)).confirmations < confirmations:
        raise BlockVanished("the chain changed while its final block was read")
    return ref


async def block_ref(rpc: JsonRpc, height: int) -> BlockRef | None:
    found = await block_id(rpc, height)
    return None if found is None else BlockRef(height, found)


async def block_id(rpc: JsonRpc, height: int) -> str | None:
    """The id of the block now at this height, None above the tip."""
    try:
        return await rpc.call("getblockhash", [height], str)
    except RpcError as error:
        if error.code == INVALID_PARAMETER:
            return None
        raise


async def header(rpc: JsonRpc, block: str) -> Header:
    try:
        return await rpc.call("getblockheader", [block], Header)
    except RpcError as error:
        raise _vanished(error) from error


async def blocks(
    rpc: JsonRpc, start: int, stop: int, *, network: NetworkId, proven: ProvenHeaders, asset: Asset, book: AddressBook
) -> AsyncIterator[Block]:
    """Raises `BlockVanished` when the chain is shorter than `stop` or changed between two blocks, `NetworkUnproven` for a block
    that the chain's rules do not allow."""
    parent: str | None = None
    for first in range(start, stop + 1, HEIGHTS_PER_REQUEST):
        heights = range(first, min(first + HEIGHTS_PER_REQUEST, stop + 1))
        asked = [
            partial(_read, rpc, found, network=network, prefix=proven.chain.prefix, asset=asset, book=book)
            for found in await _block_ids(rpc, heights)
        ]
        following = iter(heights)
        async with aclosing(in_order(asked, BLOCKS_AT_ONCE)) as read:
            async for raw, incoming in read:
                height = next(following)
                if parent is not None and raw.parent != parent:
                    raise BlockVanished("the chain changed while it was read")
                await proven.check(rpc, raw, height)
                parent = raw.id
                yield Block(height, raw.id, raw.parent, raw.header.at, incoming)


async def _read(
    rpc: JsonRpc, found: str, *, network: NetworkId, prefix: str, asset: Asset, book: AddressBook
) -> tuple[RawBlock, tuple[Incoming, ...]]:
    raw = await raw_block(rpc, found)
    return raw, await _incoming(raw, network=network, prefix=prefix, asset=asset, book=book)


async def raw_block(rpc: JsonRpc, block: str) -> RawBlock:
    """Read whole and verified against its id. Raises `BlockVanished`, `NetworkUnreachable`, `NetworkUnproven`."""
    try:
        text = await rpc.call("getblock", [block, _RAW], str)
        return await asyncio.to_thread(_parsed, text, block)  # a full block takes some 0.2 s
    except RpcError as error:
        raise _vanished(error) from error
    except RawContradicted as error:
        raise NetworkUnproven(f"the node shows what cannot be: {error} (block {block})") from error
    except RawMalformed as error:
        raise NetworkUnreachable(f"the node sent a block that is not sound: {error}") from error
    except ValueError as error:
        raise NetworkUnreachable("the node sent a block that is not hexadecimal") from error


def _parsed(text: str, block: str) -> RawBlock:
    return parse_block(bytes.fromhex(text), block)


async def _block_ids(rpc: JsonRpc, heights: Sequence[int]) -> list[str]:
    try:
        return await rpc.batch([("getblockhash", [height]) for height in heights], str)
    except RpcError as error:
        raise _vanished(error) from error


async def _incoming(
    block: RawBlock, *, network: NetworkId, prefix: str, asset: Asset, book: AddressBook
) -> tuple[Incoming, ...]:
    """What of the block is ours. Addresses are asked for all at once, and nothing is made of those that are nobody's."""
    addresses = await asyncio.to_thread(lambda: addresses_of(block.scripts(), prefix))
    known = await book.known(network, addresses) if addresses else frozenset[str]()
    found = [(block.made(place), address) for place, address in enumerate(addresses) if address in known]
    return tuple(
        Incoming(
            identity=f"{made.tx}:{made.index}",
            address=address,
            amount=Amount(made.units, asset),
            tx=made.tx,
            confirmations_min=COINBASE_MATURITY if made.coinbase else 0,
        )
        for made, address in found
        if made.units
    )


def _vanished(error: RpcError) -> Exception:
    """ "Block not found" and "height out of range" mean a reorg; anything else (a pruned block) stays what it is."""
    if error.code in {INVALID_ADDRESS_OR_KEY, INVALID_PARAMETER}:
        return BlockVanished("a block that was there a moment ago is gone")
    return error


def _quoted(text: str) -> str:
    """A stranger's word inside an error message: short and printable."""
    return msgspec.json.encode(text[:20]).decode()
