"""Each block's header against those before it, which the node is asked for where they are not known yet.

What this prevents: a block whose target its miner, or a lying node, has chosen. One header before it is enough, but where a
new period begins: there the whole period is read and followed back by its ids, so that its first time cannot be invented.
"""

import asyncio
from collections import OrderedDict
from typing import Final

from chains.bitcoin.answers import INVALID_ADDRESS_OR_KEY, INVALID_PARAMETER
from chains.bitcoin.headers import HeaderUnproven, RawHeader, check_height, check_target, check_work, parse_header
from chains.bitcoin.parameters import Chain
from chains.bitcoin.rawblock import RawBlock
from chains.rpc.client import JsonRpc, RpcError
from wallet.ports import BlockVanished, NetworkUnproven, NetworkUnreachable

HEADERS_KEPT: Final = 2_500  # one period and some; a few hundred bytes each


class ProvenHeaders:
    """Of one node. What it remembers saves questions and decides nothing: a header is what its id says."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self._kept: OrderedDict[str, RawHeader] = OrderedDict()

    async def check(self, rpc: JsonRpc, block: RawBlock, height: int) -> None:
        """Raises `NetworkUnproven` when the chain's rules do not allow this block here, `BlockVanished` when the branch
        changes meanwhile."""
        try:
            check_work(block.header, self.chain)
            check_height(block.first_script, height, self.chain)
            await self._check_target(rpc, block.header, height)
        except HeaderUnproven as error:
            raise NetworkUnproven(f"the node shows what cannot be: {error} (block {block.id})") from error
        self._keep(block.header)

    async def _check_target(self, rpc: JsonRpc, header: RawHeader, height: int) -> None:
        rule = self.chain.retarget
        if rule is None or height < 1:
            return
        back = rule.back if height % rule.blocks == 0 else 1
        before = await self._before(rpc, header.parent, height, min(back, height))
        check_target(header, height, before[-1], before[0], self.chain)

    async def _before(self, rpc: JsonRpc, parent: str, height: int, count: int) -> list[RawHeader]:
        """So many headers below `height`, lowest first, each the parent of the next."""
        missing, wanted = count, parent
        while missing and (kept := self._kept.get(wanted)) is not None:
            missing, wanted = missing - 1, kept.parent
        if missing:
            below = height - (count - missing)
            await self._read(rpc, wanted, range(below - missing, below))
        found: list[RawHeader] = []
        wanted = parent
        for _ in range(count):
            found.append(self._kept[wanted])
            wanted = found[-1].parent
        return found[::-1]

    async def _read(self, rpc: JsonRpc, last: str, heights: range) -> None:
        """The headers at these heights, the highest of which is `last`. Raises `HeaderUnproven` for one without work."""
        try:
            ids = await rpc.batch([("getblockhash", [height]) for height in heights], str)
            texts = await rpc.batch([("getblockheader", [block, False]) for block in ids], str)
        except RpcError as error:
            if error.code in {INVALID_ADDRESS_OR_KEY, INVALID_PARAMETER}:
                raise BlockVanished("a header that was there a moment ago is gone") from error
            raise
        try:
            headers = await asyncio.to_thread(self._parsed, texts)
        except HeaderUnproven:
            raise
        except ValueError as error:
            raise NetworkUnreachable("the node sent a header that is not sound") from error
        for header in reversed(headers):
            if header.id != last:
                raise BlockVanished("the headers that were read do not follow each other")
            last = header.parent
        for header in headers:
            self._keep(header)

    def _parsed(self, texts: list[str]) -> list[RawHeader]:
        headers = [parse_header(bytes.fromhex(text)) for text in texts]
        for header in headers:
            check_work(header, self.chain)
        return headers

    def _keep(self, header: RawHeader) -> None:
        self._kept[header.id] = header
        self._kept.move_to_end(header.id)
        if len(self._kept) > HEADERS_KEPT:
            self._kept.popitem(last=False)
