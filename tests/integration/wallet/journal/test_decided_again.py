"""Decisions that are taken again when a row has changed under them, and retries that are answered from memory."""

from dataclasses import dataclass, field

import pytest
from msgspec import structs

from node.database import Dsns
from tests.integration.wallet.changes import ALICE, BOB, credited, listed, paid, paused, posted_and_held
from wallet.errors import AssetPaused, Stale
from wallet.journal import Change, Journal, Requirement
from wallet.journal.recall import ATTEMPTS_MAX, repeatable
from wallet.ports import NetworkUnreachable
from wallet.recent import RecentRows


@dataclass(slots=True)
class Deciding:
    """Decides these things, one after the other; the last one for ever. Errors are raised."""

    ends: list[Change | Exception]
    asked: int = field(default=0)

    async def __call__(self) -> Change:
        end = self.ends[min(self.asked, len(self.ends) - 1)]
        self.asked += 1
        if isinstance(end, Exception):
            raise end
        return end


PAYMENT = paid(ALICE, BOB, 10, key="k")
assert PAYMENT.request is not None
REQUEST = PAYMENT.request


@pytest.mark.parametrize("stop", [AssetPaused("EUR", "look"), NetworkUnreachable("no quote")])
async def test_what_stops_a_decision_never_contradicts_an_earlier_yes(
    dsns: Dsns, journal: Journal, stop: Exception
) -> None:
    await journal.commit(credited(ALICE, 100))
    with pytest.raises(type(stop)):
        await repeatable(journal, REQUEST, Deciding([stop]))
    first = await repeatable(journal, REQUEST, Deciding([PAYMENT]))
    again = await repeatable(journal, REQUEST, Deciding([stop]))
    assert (again.seq, again.result, again.replayed) == (first.seq, first.result, True)
    assert await posted_and_held(dsns.books, BOB) == (10, 0)


async def test_a_stale_decision_is_taken_again_on_what_is_true_now(journal: Journal) -> None:
    await journal.commit(listed())
    recent = RecentRows()
    for name in ("EUR", "USD"):
        recent.keep("assets", name, {"id": name})
    deciding = Deciding([paused(7, "on what was read long ago"), paused(1, "on what is true")])
    assert (await repeatable(journal, REQUEST, deciding, recent)).seq == 2
    assert deciding.asked == 2
    assert recent.get("assets", "EUR") is None, "it would be decided on once more"
    assert recent.get("assets", "USD") is not None
    assert (await repeatable(journal, REQUEST, Deciding([paused(7, "old"), paused(2, "new")]))).seq == 3


async def test_a_decision_that_always_comes_too_late_is_given_up(journal: Journal) -> None:
    await journal.commit(listed())
    deciding = Deciding([paused(7, "never true")])
    with pytest.raises(Stale):
        await repeatable(journal, REQUEST, deciding)
    assert deciding.asked == ATTEMPTS_MAX


async def test_a_credential_that_fell_is_for_whoever_admitted_it(journal: Journal) -> None:
    fallen = Deciding([structs.replace(PAYMENT, requires=(Requirement("api_keys", "key_one", 1),))])
    with pytest.raises(Stale):
        await repeatable(journal, REQUEST, fallen)
    assert fallen.asked == 1
