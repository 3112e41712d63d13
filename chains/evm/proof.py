"""Proves claims by balances: what a block says arrived must have made the balance grow, from the parent block to this one.

What this prevents: credit for a log behind which nothing moved, for more than stayed, or in decimals that the contract no
longer counts in. An address may have code (EIP-7702, CREATE2) and pass on what it gets: only what stays with it counts.
Where a balance grew by more than is claimed, the claims are proven, and the rest is growth that no tx explains
(`wallet.growth` finds it).

A node that walks a long gap may not keep the balances of old blocks. For ether that is no doubt: the chain's own rules moved
it. A token's word alone is nothing, so the scan waits for a node that can tell.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chains.evm.balances import balance_of
from chains.evm.claims import BlockClaims, Holder
from chains.evm.listings import Listings
from chains.evm.token import DECIMALS_CALL, parse_word
from chains.evm.wire import BlockAnswer, at_block, is_failure, is_state_gone, quantity, unread
from chains.rpc.client import Call, JsonRpc, RpcError

DOUBT_BALANCE = "balance_disagrees"
DOUBT_UNREADABLE = "balance_unreadable"
DOUBT_DECIMALS = "decimals_changed"
DOUBT_LESS = "less_arrived"


@dataclass(frozen=True, slots=True)
class Verdict:
    """On the one claim, or all claims, of a holder in a block. `missing`: what of the one claim did not stay."""

    doubt: str | None = None
    missing: int = 0


PROVEN = Verdict()


async def prove(rpc: JsonRpc, listings: Listings, found: Sequence[BlockClaims]) -> list[dict[Holder, Verdict]]:
    """Per block what its holders' balances say of its claims. A question per holder that something arrived at."""
    holders = [tuple(dict.fromkeys(claim.holder for claim in one.claims)) for one in found]
    asked = [
        [call for holder in part for call in _calls(one.block, holder)]
        for one, part in zip(found, holders, strict=True)
    ]
    numbers = iter(await _numbers(rpc, [call for calls in asked for call in calls]))
    return [_judge_block(one, part, listings, numbers) for one, part in zip(found, holders, strict=True)]


def _judge_block(
    found: BlockClaims, holders: Sequence[Holder], listings: Listings, numbers: Iterator[int | None]
) -> dict[Holder, Verdict]:
    net = found.net(holders)
    claimed: dict[Holder, list[int]] = defaultdict(list)
    for claim in found.claims:
        claimed[claim.holder].append(claim.units)
    verdicts = {}
    for holder in holders:
        before, after = next(numbers), next(numbers)
        decimals = None if holder[0] is None else next(numbers)
        verdict = _judge(before, after, net[holder], claimed[holder], native=holder[0] is None)
        if holder[0] is not None and verdict.doubt in (None, DOUBT_LESS):
            verdict = verdict if decimals == listings.tokens[holder[0]].decimals else Verdict(DOUBT_DECIMALS)
        verdicts[holder] = verdict
    return verdicts


def _judge(before: int | None, after: int | None, net: int, claimed: Sequence[int], *, native: bool) -> Verdict:
    """`net` is by how much the balance must have changed if everything claimed is true. Of several claims, of which less
    than all arrived, nobody can tell which. A token that keeps a part of what it moves would do so at the sweep too."""
    if before is None or after is None:
        return PROVEN if native else Verdict(DOUBT_UNREADABLE)
    missing = net - (after - before)
    if missing <= 0:
        return PROVEN
    if len(claimed) == 1 and missing < claimed[0]:
        return Verdict(None if native else DOUBT_LESS, missing)
    return Verdict(DOUBT_BALANCE)


def _calls(block: BlockAnswer, holder: Holder) -> list[Call]:
    """The balance before and after, and for a token what it is counted in."""
    contract, address = holder
    before, after = at_block(block.parent_hash), at_block(block.hash)
    balances = [balance_of(contract, address, at) for at in (before, after)]
    if contract is None:
        return balances
    return [*balances, ("eth_call", [{"to": contract, "data": DECIMALS_CALL}, after])]


async def _numbers(rpc: JsonRpc, calls: Sequence[Call]) -> list[int | None]:
    """None where the contract itself failed to tell."""
    answers = await rpc.batch_outcomes(calls, str)
    return [_number(call[0], answer) for call, answer in zip(calls, answers, strict=True)]


def _number(method: str, answer: str | RpcError) -> int | None:
    if isinstance(answer, RpcError):
        told = is_failure(answer) if method == "eth_call" else is_state_gone(answer)
        if told:
            return None
        raise unread(answer)
    return quantity(answer) if method == "eth_getBalance" else parse_word(answer)
