"""What waits in one node's mempool and pays addresses of ours, and what became of that which waits no more.

What this prevents: a customer who looks in vain for a payment that they have just made; and one who trusts a payment that is
gone. Nothing here is ever credited: a mempool promises nothing. A look costs one short question while nothing has changed, and
otherwise the list of ids and each tx once.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from itertools import islice
from typing import Final

from chains.bitcoin.address import own_address_of
from chains.bitcoin.answers import INVALID_ADDRESS_OR_KEY, MempoolState, Spending
from chains.bitcoin.parameters import Chain
from chains.bitcoin.rawtx import RawTx, parse_tx
from chains.bitcoin.status import is_spent, tx_state
from chains.rpc.client import JsonRpc, RpcError
from wallet.ids import NetworkId
from wallet.money import Amount, Asset
from wallet.ports import AddressBook, Incoming
from wallet.ports.announcing import Departure

TXS_PER_LOOK: Final = 2_000  # a full mempool is read in some minutes after a start, and what is new at once
REMEMBERED_MAX: Final = 50_000  # txs of ours whose inputs are remembered after they left: some 10 MB
_RAW: Final = 0


class Mempool:
    """Of one node, as this process has seen it. Losing it costs a second reading."""

    def __init__(self, network: NetworkId, chain: Chain, asset: Asset) -> None:
        self._network, self._chain, self._asset = network, chain, asset
        self._state: MempoolState | None = None
        self._whole = False
        self._seen: set[str] = set()
        self._ours: dict[str, tuple[Incoming, ...]] = {}
        self._inputs: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    async def look(self, rpc: JsonRpc, book: AddressBook) -> tuple[Incoming, ...]:
        """All that waits now and is ours. Raises the network's errors; what was seen before stays seen."""
        state = await rpc.call("getmempoolinfo", [], MempoolState)
        if state != self._state or not self._whole:
            ids = frozenset(await rpc.call("getrawmempool", [False], list[str]))
            self._seen &= ids
            self._ours = {tx: found for tx, found in self._ours.items() if tx in ids}
            new = list(islice(ids - self._seen, TXS_PER_LOOK))
            await self._read(rpc, book, new)
            self._state, self._whole = state, len(self._seen) == len(ids)
        return tuple(incoming for found in self._ours.values() for incoming in found)

    async def departure(self, rpc: JsonRpc, tx: str) -> Departure | None:
        """Why a tx waits no more; None while it does, and when it is in a block."""
        found = await tx_state(rpc, tx)
        if tx in self._ours or (found is not None and not found.orphaned):
            return None
        inputs = self._inputs.get(tx)
        if inputs is None and found is not None and found.hex is not None:
            raw = _parsed(tx, found.hex)
            inputs = None if raw is None else _inputs(raw)
        if not inputs:
            return Departure.DROPPED
        asked = [{"txid": parent, "vout": int(index)} for parent, _, index in (one.partition(":") for one in inputs)]
        if any(one.spendingtxid for one in await rpc.call("gettxspendingprevout", [asked], list[Spending])):
            return Departure.REPLACED
        spent = [await is_spent(rpc, outpoint) for outpoint in inputs]
        return Departure.CONFLICTED if any(spent) else Departure.DROPPED

    async def _read(self, rpc: JsonRpc, book: AddressBook, new: Sequence[str]) -> None:
        """Each tx once. One that left between two questions is no error, nor is one that has no form of the family's, as
        Litecoin's confidential ones (MWEB): what it pays is shown when it is in a block."""
        answers = await rpc.batch_outcomes([("getrawtransaction", [tx, _RAW]) for tx in new], str)
        texts = {tx: answer for tx, answer in zip(new, answers, strict=True) if isinstance(answer, str)}
        for answer in answers:
            if isinstance(answer, RpcError) and answer.code != INVALID_ADDRESS_OR_KEY:
                raise answer
        raws = await asyncio.to_thread(_all_parsed, texts)
        claims = {tx: self._claims(tx, raw) for tx, raw in raws.items()}
        addresses = {one.address for found in claims.values() for one in found if one.address is not None}
        known = await book.known(self._network, addresses) if addresses else frozenset[str]()
        for tx, found in claims.items():
            if ours := tuple(one for one in found if one.address in known):
                self._ours[tx] = ours
                self._remember(tx, _inputs(raws[tx]))
        self._seen |= texts.keys()

    def _claims(self, tx: str, raw: RawTx) -> tuple[Incoming, ...]:
        return tuple(
            Incoming(f"{tx}:{index}", address, Amount(made.units, self._asset), tx, booked=False)
            for index, made in enumerate(raw.outputs)
            if made.units and (address := own_address_of(made.script, self._chain)) is not None
        )

    def _remember(self, tx: str, inputs: tuple[str, ...]) -> None:
        self._inputs[tx] = inputs
        if len(self._inputs) > REMEMBERED_MAX:
            self._inputs.popitem(last=False)


def _inputs(raw: RawTx) -> tuple[str, ...]:
    return tuple(spent.outpoint for spent in raw.inputs)


def _all_parsed(texts: dict[str, str]) -> dict[str, RawTx]:
    parsed = {tx: _parsed(tx, text) for tx, text in texts.items()}
    return {tx: raw for tx, raw in parsed.items() if raw is not None}


def _parsed(tx: str, text: str) -> RawTx | None:
    """None for bytes that are not this tx."""
    try:
        raw = parse_tx(bytes.fromhex(text))
    except ValueError:
        return None
    return raw if raw.tx == tx else None
