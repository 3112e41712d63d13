"""Which chain the provider serves, asked again with every look at its tip and before anything is concluded of a tx of ours.

What this prevents: a provider that is exchanged behind its URL, by a change of configuration, a proxy or a name server, and
that shows us another chain under the same addresses (every EVM chain has them all): credit for what arrived there, and a tx
of ours that is believed dead because its nonce was used there.
"""

from typing import Any

from chains.evm.wire import HeaderAnswer, block_id, quantity
from chains.rpc.client import Call, JsonRpc
from wallet.ids import NetworkId
from wallet.ports import BlockRef, NetworkMismatch, NetworkUnreachable

_CHAIN_ID: Call = ("eth_chainId", [])
_GENESIS: Call = ("eth_getBlockByNumber", ["0x0", False])
_TIP: Call = ("eth_getBlockByNumber", ["latest", False])
_SHAPE: Any = str | HeaderAnswer


class Chain:
    """One chain by its id and its genesis block. Remembers the genesis that it saw first, which the books compare with
    theirs when the network is opened."""

    def __init__(self, rpc: JsonRpc, network: NetworkId, chain_id: int) -> None:
        self._rpc, self._network, self._chain_id = rpc, network, chain_id
        self._genesis: str | None = None

    async def genesis(self) -> str:
        """The genesis block's hash. Raises `NetworkMismatch` for another chain, now or than before."""
        await self._ask()
        assert self._genesis is not None
        return self._genesis

    async def tip(self) -> BlockRef:
        """The newest block, of this chain. Raises `NetworkMismatch`."""
        (tip,) = await self._ask(_TIP)
        return self._header(tip).ref

    async def refuse_another(self) -> None:
        """Raises `NetworkMismatch`."""
        await self._ask()

    async def _ask(self, *calls: Call) -> list[object]:
        """One request for all."""
        served, genesis, *rest = await self._rpc.batch([_CHAIN_ID, _GENESIS, *calls], _SHAPE)
        self._judge(served, block_id(self._header(genesis).hash))
        return rest

    def _judge(self, served: object, genesis: str) -> None:
        number = quantity(served) if isinstance(served, str) else None
        if number != self._chain_id:
            raise NetworkMismatch(f"{self._network}: the provider serves chain {number}, not {self._chain_id}")
        if self._genesis is None:
            self._genesis = genesis
        if genesis != self._genesis:
            raise NetworkMismatch(f"{self._network}: the provider serves another chain of that id than before")

    def _header(self, answer: object) -> HeaderAnswer:
        if not isinstance(answer, HeaderAnswer):
            raise NetworkUnreachable(f"{self._network}: the provider does not show the genesis block or the tip")
        return answer
