"""Value that contracts move inside a tx, read from a node's traces of a whole block (`trace_block`, Parity's format); pure.

What this prevents: credit for a call that was undone. A frame that failed takes with it all that happened below it, whether
or not the node says so of each. Only what moves value is heard: a call or a creation that carries some, and what a contract
leaves when it destroys itself. A delegate call names its caller's value and moves none, nor does a static call.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chains.evm.wire import BlockAnswer, TraceAnswer, block_id, quantity
from wallet.ports import BlockVanished, NetworkUnreachable

Path = tuple[int, ...]
"""Where a frame stands in the tree of calls of its tx; empty for the tx itself."""


@dataclass(frozen=True, slots=True)
class Move:
    """Value that one frame moved. Addresses as the node writes them."""

    path: Path
    source: str
    target: str
    units: int


def read_moves(block: BlockAnswer, traces: Sequence[TraceAnswer]) -> list[tuple[Move, ...]]:
    """For each tx of the block what its contracts moved and what stuck. The tx's own value is not among it.

    Raises `BlockVanished` for traces of another block, `NetworkUnreachable` unless they are those of all the block's txs.
    """
    by_tx: defaultdict[str, list[TraceAnswer]] = defaultdict(list)
    for trace in traces:
        if block_id(trace.block_hash) != block_id(block.hash):
            raise BlockVanished("a trace belongs to another block")
        if trace.transaction_hash is not None:  # a miner's reward belongs to no tx
            by_tx[trace.transaction_hash.lower()].append(trace)
    found = [by_tx.pop(tx.hash.lower(), []) for tx in block.transactions]
    if by_tx or not all(_is_whole(part) for part in found):
        raise NetworkUnreachable(f"the traces are not those of the txs of block {quantity(block.number)}")
    return [tuple(_moves(part)) for part in found]


def _is_whole(traces: Sequence[TraceAnswer]) -> bool:
    """One frame for the tx itself, and below each frame as many as it says."""
    children: defaultdict[Path, int] = defaultdict(int)
    for trace in traces:
        if trace.trace_address:
            children[tuple(trace.trace_address[:-1])] += 1
    paths = {tuple(trace.trace_address): trace.subtraces for trace in traces}
    return () in paths and len(paths) == len(traces) and children.keys() <= paths.keys() and _counts(paths, children)


def _counts(paths: dict[Path, int], children: dict[Path, int]) -> bool:
    return all(count == children.get(path, 0) for path, count in paths.items())


def _moves(traces: Sequence[TraceAnswer]) -> Iterator[Move]:
    failed = {tuple(trace.trace_address) for trace in traces if trace.error is not None}
    for trace in traces:
        path = tuple(trace.trace_address)
        if failed and any(path[:length] in failed for length in range(len(path) + 1)):
            continue
        move = _move(path, trace)
        if move is not None and move.units and move.source.lower() != move.target.lower():
            yield move


def _move(path: Path, trace: TraceAnswer) -> Move | None:
    action, made = trace.action, trace.result.address if trace.result is not None else None
    match trace.type:
        case "call" if path and action.call_type == "call" and action.target is not None:
            return Move(path, _there(action.source), action.target, quantity(_there(action.value)))
        case "create" if made is not None:
            return Move(path, _there(action.source), made, quantity(_there(action.value)))
        case "suicide" if action.refund_address is not None:
            return Move(path, _there(action.address), action.refund_address, quantity(_there(action.balance)))
        case _:
            return None


def _there(text: str | None) -> str:
    if text is None:
        raise NetworkUnreachable("a trace lacks what its kind must have")
    return text
