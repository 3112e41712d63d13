"""Two processes that write: who meets the other works under the lock, and goes back to judging ahead when it is alone again."""

from node.database import Dsns
from tests.integration.wallet.changes import ALICE, BOB, credited, listed, paid, posted_and_held, proven, running
from wallet.journal import Journal


def judges_ahead(journal: Journal) -> bool:
    return journal._may_prepare


async def test_a_writer_that_met_another_once_judges_beside_its_commits_again(dsns: Dsns) -> None:
    async with running(dsns.books) as one, running(dsns.books) as other:
        await one.commit(listed())
        await one.commit(credited(ALICE, 100))
        assert judges_ahead(one)
        await other.commit(paid(ALICE, BOB, 1, key="other"))
        await one.commit(paid(ALICE, BOB, 1, key="one"))
        assert not judges_ahead(one), "it has met the other: the test would say nothing"
        await one.commit(paid(ALICE, BOB, 1, key="two"))
        assert judges_ahead(one)
    assert await posted_and_held(dsns.books, BOB) == (3, 0)
    await proven(dsns.books)
