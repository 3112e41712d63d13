"""Whether a token of ours really stayed, where its tx succeeded and no log says that it moved.

What this prevents: money given back to a customer though the token has moved and only kept quiet about it. The balance of the
address that paid is compared over the block: if it changed by what other txs' logs say, nothing else moved. Silence, or
another figure, is a doubt, and a doubt is for a person.
"""

from collections.abc import Iterable, Sequence

from chains.evm.balances import balance_of
from chains.evm.token import TRANSFER_TOPIC, parse_word, read_transfer
from chains.evm.wire import HeaderAnswer, LogAnswer, at_block
from chains.rpc.client import Call, JsonRpc, RpcError

MOVED_OTHERWISE = "moved_otherwise"
"""The token's log tells of another payment than the one that was made."""
BALANCE_DISAGREES = "balance_disagrees"
BALANCE_UNREADABLE = "balance_unreadable"
_PADDED = "0x" + "0" * 24


async def why_doubted(
    rpc: JsonRpc, contract: str, source: str, block: HeaderAnswer, logs_of_tx: Iterable[LogAnswer]
) -> str | None:
    """None where `source` provably lost nothing that no log tells of, and this tx's own logs tell of nothing."""
    told = [read_transfer(log) for log in logs_of_tx if not log.removed and log.address.lower() == contract.lower()]
    if any(one is not None and one.source == source.lower() for one in told):
        return MOVED_OTHERWISE
    try:
        logs = await rpc.batch(_asked_logs(contract, source, block), list[LogAnswer])
        words = await rpc.batch(_asked_balances(contract, source, block), str)
    except RpcError:
        return BALANCE_UNREADABLE
    before, after = (parse_word(word) for word in words)
    if before is None or after is None:
        return BALANCE_UNREADABLE
    left, came = (_total(side) for side in logs)
    return None if after - before == came - left else BALANCE_DISAGREES


def _asked_logs(contract: str, source: str, block: HeaderAnswer) -> list[Call]:
    """Out of the address, then into it. What it sends itself stands in both."""
    where = {"blockHash": block.hash, "address": contract}
    us = _PADDED + source[2:].lower()
    return [
        ("eth_getLogs", [{**where, "topics": [TRANSFER_TOPIC, us]}]),
        ("eth_getLogs", [{**where, "topics": [TRANSFER_TOPIC, None, us]}]),
    ]


def _asked_balances(contract: str, source: str, block: HeaderAnswer) -> list[Call]:
    return [balance_of(contract, source, at_block(one)) for one in (block.parent_hash, block.hash)]


def _total(logs: Sequence[LogAnswer]) -> int:
    read = [read_transfer(log) for log in logs if not log.removed]
    return sum(one.units for one in read if one is not None)
