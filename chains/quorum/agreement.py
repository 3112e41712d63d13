"""What several providers say, put together: pure, and never more than enough of them say.

What this prevents: a fact that one provider alone believes. An answer counts when `least` of them give the same; where fewer
do, the outcome is the weaker statement, or none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final, TypeVar

from wallet.ports import Block, Fate, Fee, Incoming, Status, Unsigned

CANNOT_VERIFY: Final = "balance_unreadable"
"""The doubt of a provider that could not look (a pruned node): it abstains, and contradicts nobody."""

T = TypeVar("T")
_DONE: Final = (Fate.FINAL, Fate.INCLUDED)
_HEARD_OF: Final = (*_DONE, Fate.PENDING)


def agreed(votes: Mapping[str, T], least: int) -> T | None:
    """The value that at least `least` voters gave; None where there is none."""
    if not votes:
        return None
    value, count = Counter(votes.values()).most_common(1)[0]
    return value if count >= least else None


def contradiction(votes: Mapping[str, T]) -> tuple[str, str] | None:
    """Two voters with different values."""
    return next(((one, two) for one, two in combinations(votes, 2) if votes[one] != votes[two]), None)


def height_reached(heights: Sequence[int], least: int) -> int | None:
    """The greatest height that at least `least` have reached."""
    return sorted(heights, reverse=True)[least - 1] if len(heights) >= least else None


def merge_blocks(blocks: Sequence[Block], least: int) -> Block | None:
    """The one block that several providers read; None where they contradict each other about what is in it.

    Who could not verify an arrival abstains from judging it. Where fewer than `least` could, it keeps the doubt, and so
    waits for a person.
    """
    first = blocks[0]
    if all(block == first for block in blocks[1:]):
        return first
    if any(_without_doubts(block) != _without_doubts(first) for block in blocks[1:]):
        return None
    incoming = [_merged(same, least) for same in zip(*(_in_order(block) for block in blocks), strict=True)]
    judged = {one.identity: one for one in incoming if one is not None}
    if len(judged) != len(first.incoming):
        return None
    return replace(first, incoming=tuple(judged[one.identity] for one in first.incoming))


def _without_doubts(block: Block) -> Block:
    return replace(
        block,
        incoming=tuple(replace(one, doubt=None) for one in _in_order(block)),
        strays=tuple(sorted(block.strays, key=repr)),
    )


def _in_order(block: Block) -> list[Incoming]:
    return sorted(block.incoming, key=lambda one: one.identity)


def _merged(same: Sequence[Incoming], least: int) -> Incoming | None:
    judged = [one for one in same if one.doubt != CANNOT_VERIFY]
    doubts = {one.doubt for one in judged}
    if len(doubts) > 1:
        return None
    if len(judged) >= least or doubts - {None}:
        return judged[0]
    return replace(same[0], doubt=CANNOT_VERIFY)


def agreed_status(answers: Mapping[str, Status], least: int) -> Status:
    """What became of a tx as far as `least` agree. Final and dead are said by that many and in every detail, or not at all;
    short of it the tx is included, pending or unknown, by what they do agree on."""
    found = agreed(answers, least)
    if found is not None and found.fate in (Fate.FINAL, Fate.DEAD):
        return found
    included = {host: replace(one, fate=Fate.INCLUDED) for host, one in answers.items() if one.fate in _DONE}
    if (seen := agreed(included, least)) is not None:
        return seen
    known = any(one.fate in _HEARD_OF for one in answers.values())
    return Status(Fate.PENDING if known else Fate.UNKNOWN)


def fates_apart(answers: Mapping[str, Status]) -> tuple[str, str] | None:
    """Two providers of which one calls the tx final and the other dead, or in which it is final with another outcome."""
    ended = {host: one for host, one in answers.items() if one.fate in (Fate.FINAL, Fate.DEAD)}
    return contradiction(ended)


def middle_fee(fees: Sequence[Fee]) -> Fee:
    """The median by rate, the lower of two in the middle: one provider alone raises nobody's fee."""
    ordered = sorted(fees, key=lambda fee: (fee.rate, fee.units.units))
    return ordered[(len(ordered) - 1) >> 1]


def middle_raise(found: Sequence[Unsigned | None]) -> Unsigned | None:
    """The median by cost, the lower of two in the middle; None, which costs nothing, where most see no need."""
    ordered = sorted(found, key=lambda unsigned: unsigned.fee_max.units if unsigned else 0)
    return ordered[(len(ordered) - 1) >> 1]
