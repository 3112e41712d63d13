"""Statement files in a real folder: taken in, recognised, waiting, refused. Nothing is lost."""

import asyncio
import hashlib
import itertools
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from chains.sepa.statements import Accepted, NoticeState, beginning
from tests.integration.chains.sepa.desk import Desk, Store
from tests.unit.chains.sepa.material import IBAN, OTHER_IBAN, balance, document, entry, statement
from wallet.ports import BlockRef

FIRST = document(statement("0.00", "1.00", entry("1.00"), number=1))
SECOND = document(statement("1.00", "3.00", entry("2.00"), number=2, day="2026-03-03"))
THIRD = document(statement("3.00", "6.00", entry("3.00"), number=3, day="2026-03-04"))


async def test_before_any_statement_the_tip_is_the_account_itself(desk: Desk) -> None:
    assert await desk.network.tip() == beginning(IBAN) == await desk.network.final()
    assert await desk.network.block_ref(0) == beginning(IBAN)
    assert await desk.network.block_ref(1) is None
    assert (await desk.network.observe([], beginning(IBAN))).units == {"EUR": 0}


async def test_a_statement_is_taken_in_once_it_is_stored_and_its_clear_copy_goes(desk: Desk) -> None:
    desk.drop("a.xml", FIRST)
    tip = await desk.network.tip()
    assert tip.height == 1
    assert desk.store.rows[0][1] == FIRST
    assert desk.files("in") == []
    assert desk.said() == [("a.xml", "accepted")]
    assert (await desk.network.observe([], tip)).units == {"EUR": 100}


async def test_the_same_file_again_is_recognised_has_no_effect_and_says_so(desk: Desk) -> None:
    desk.drop("a.xml", FIRST)
    before = await desk.network.tip()
    desk.drop("again.xml", FIRST)
    assert await desk.network.tip() == before
    assert desk.said() == [("a.xml", "accepted"), ("again.xml", "recognised")]
    assert "no effect" in desk.told[-1].reason
    assert desk.files("in") == desk.files("refused") == []


async def test_the_same_statement_in_another_document_is_recognised(desk: Desk) -> None:
    desk.drop("a.xml", FIRST)
    before = await desk.network.tip()
    desk.drop("later.xml", FIRST.replace(b"18:00:00Z", b"19:30:00Z"))
    desk.drop("version.xml", document(statement("0.00", "1.00", entry("1.00", version="03"), number=1), version="03"))
    assert await desk.network.tip() == before
    assert desk.said()[1:] == [("later.xml", "recognised"), ("version.xml", "recognised")]


async def test_a_statement_that_runs_ahead_waits_and_names_what_is_missing(desk: Desk) -> None:
    desk.drop("1.xml", FIRST)
    desk.drop("3.xml", THIRD)
    assert (await desk.network.tip()).height == 1
    assert desk.files("in") == ["3.xml"]
    waiting = desk.network.notices[-1]
    assert (waiting.state, waiting.reason) == (NoticeState.WAITING, "statement 2 is missing (this is 3)")
    await desk.network.tip()
    assert len(desk.told) == 2, "the same notice is told once"
    desk.drop("2.xml", SECOND)
    assert (await desk.network.tip()).height == 3
    assert desk.files("in") == []
    assert all(notice.state is NoticeState.ACCEPTED for notice in desk.network.notices[-2:])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_statements_may_arrive_in_any_order_and_make_the_same_chain(tmp_path: Path, order: Sequence[int]) -> None:
    straight, shuffled = Desk(tmp_path / "straight"), Desk(tmp_path / "shuffled")
    for number, raw in enumerate((FIRST, SECOND, THIRD)):
        straight.drop(f"{number}.xml", raw)
    for number in order:
        shuffled.drop(f"{number}.xml", (FIRST, SECOND, THIRD)[number])
        await shuffled.network.tip()
    assert await shuffled.network.tip() == await straight.network.tip()
    assert len(shuffled.store.rows) == 3


async def test_a_contradictory_statement_is_refused_whole_and_kept_with_the_reason(desk: Desk) -> None:
    desk.drop("1.xml", FIRST)
    before = await desk.network.tip()
    other = document(statement("0.00", "9.00", entry("9.00"), number=1))
    desk.drop("other.xml", other)
    assert await desk.network.tip() == before
    assert (desk.folder / "refused/other.xml").read_bytes() == other
    reason = (desk.folder / "refused/other.xml.reason.txt").read_text()
    assert "taken in before (as number 1) with other content" in reason
    assert desk.files("in") == []


BAD = {
    "not-xml": (b"hello", "not XML"),
    "cut": (FIRST[:-20], "not well-formed"),
    "bomb": (FIRST.replace(b"<Document", b'<!DOCTYPE x [<!ENTITY a "b">]><Document', 1), "document type"),
    "schema": (FIRST.replace(b"<Ntry>", b"<Nope/><Ntry>"), "schema"),
    "other-message": (FIRST.replace(b"camt.053", b"camt.052"), "not one of"),
    "other-account": (document(statement(iban=OTHER_IBAN)), "another account"),
    "cent-off": (document(statement("0.00", "1.01", entry("1.00"))), "does not add up"),
    "no-closing": (document(statement(balances=balance("OPBD", "0.00"))), "missing"),
    "wrong-opening": (document(statement("5.00", "5.00")), "first statement must open with 0.00"),
    "empty": (b"", "not XML"),
    "too-large": (b"<a>" + b" " * (16 * 1024 * 1024 + 1), "larger than"),
}


@pytest.mark.parametrize("kind", BAD)
async def test_a_malformed_statement_is_refused_whole_with_a_reason_and_nothing_is_lost(desk: Desk, kind: str) -> None:
    raw, says = BAD[kind]
    desk.drop("bad.xml", raw)
    desk.drop("good.xml", FIRST)
    assert (await desk.network.tip()).height == 1, "one bad file does not hold up the others"
    assert (desk.folder / "refused/bad.xml").read_bytes() == raw
    assert says in (desk.folder / "refused/bad.xml.reason.txt").read_text()
    assert desk.files("in") == []


async def test_a_file_of_several_statements_is_taken_in_whole_or_not_at_all(desk: Desk) -> None:
    bad = document(
        statement("0.00", "1.00", entry("1.00"), number=1), statement("1.00", "9.00", entry("1.00"), number=2)
    )
    desk.drop("bad.xml", bad)
    assert (await desk.network.tip()).height == 0
    gap = document(statement("0.00", "1.00", entry("1.00"), number=1), statement("2.00", "2.00", number=3))
    desk.drop("gap.xml", gap)
    assert (await desk.network.tip()).height == 0
    assert desk.files("in") == ["gap.xml"]
    good = document(
        statement("0.00", "1.00", entry("1.00"), number=1), statement("1.00", "2.00", entry("1.00"), number=2)
    )
    desk.drop("good.xml", good)
    assert (await desk.network.tip()).height == 3, "the file that waited for number 2 adds number 3"
    assert [row.position for row, _ in desk.store.rows] == [0, 1, 1]


async def test_a_statement_told_twice_in_one_file_counts_once_and_two_stories_are_refused(desk: Desk) -> None:
    one = statement("0.00", "0.00", name="S", number=1)
    desk.drop("stories.xml", document(one, statement("0.00", "1.00", entry("1.00"), name="S", number=1)))
    assert (await desk.network.tip()).height == 0
    assert desk.files("refused") == ["stories.xml", "stories.xml.reason.txt"]
    desk.drop("twice.xml", document(one, one))
    assert (await desk.network.tip()).height == 1


async def test_a_refused_name_used_again_overwrites_nothing(desk: Desk) -> None:
    desk.drop("x.xml", b"first")
    await desk.network.tip()
    desk.drop("x.xml", b"second")
    await desk.network.tip()
    kept = {(desk.folder / "refused" / name).read_bytes() for name in desk.files("refused") if name.endswith(".xml")}
    assert kept == {b"first", b"second"}


async def test_unfinished_hidden_and_strange_files_are_left_alone(desk: Desk) -> None:
    for name in (".hidden.xml", "a.xml.tmp", "b.part"):
        desk.drop(name, FIRST)
    (desk.folder / "in/folder").mkdir()
    secret = desk.folder / "secret.xml"
    secret.write_bytes(FIRST)
    (desk.folder / "in/link.xml").symlink_to(secret)
    assert (await desk.network.tip()).height == 0
    assert desk.told == []
    assert secret.exists()


async def test_a_file_still_being_written_is_not_judged(desk: Desk) -> None:
    path = desk.drop("slow.xml", FIRST[:500])
    os.utime(path)
    await desk.network.tip()
    assert desk.told == []
    with path.open("ab") as file:
        file.write(FIRST[500:])
    await desk.until_height(1)
    assert desk.said() == [("slow.xml", "accepted")]


async def test_an_upload_that_stalls_gets_longer_than_one_that_is_whole(desk: Desk) -> None:
    path = desk.drop("stalled.xml", FIRST[:500])
    a_second_ago = time.time() - 1
    os.utime(path, (a_second_ago, a_second_ago))
    await desk.network.tip()
    assert desk.told == []
    three_seconds_ago = time.time() - 3
    os.utime(path, (three_seconds_ago, three_seconds_ago))
    await desk.network.tip()
    assert desk.said() == [("stalled.xml", "refused")]


async def test_a_file_replaced_while_it_is_judged_is_judged_anew_and_never_removed_unread(desk: Desk) -> None:
    class Replacing(Store):
        async def append(self, statements: Sequence[Accepted], raw: bytes) -> None:
            await super().append(statements, raw)
            if len(self.rows) == 1:
                desk.drop("statement.xml", SECOND)

    busy = Desk(desk.folder, Replacing())
    busy.drop("statement.xml", FIRST)
    await busy.network.tip()
    assert (await busy.network.tip()).height == 2
    assert [raw for _, raw in busy.store.rows] == [FIRST, SECOND]


async def test_a_crash_between_storing_and_removing_counts_the_statement_once(desk: Desk) -> None:
    class Crash(Exception):
        pass

    class Dying(Store):
        async def append(self, statements: Sequence[Accepted], raw: bytes) -> None:
            await super().append(statements, raw)
            raise Crash

    dying = Desk(desk.folder, Dying())
    dying.drop("a.xml", FIRST)
    with pytest.raises(Crash):
        await dying.network.tip()
    assert dying.files("in") == ["a.xml"]
    again = Desk(desk.folder)
    again.store.rows = dying.store.rows
    assert (await again.network.tip()).height == 1
    assert again.said() == [("a.xml", "recognised")]
    assert again.files("in") == []


async def test_a_claim_left_by_a_dead_process_comes_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.sha256(FIRST).hexdigest()[:16]
    desk.drop(f".claimed-{digest}-a-b.xml", FIRST)
    assert (await desk.network.tip()).height == 0
    monkeypatch.setattr("chains.sepa.inbox.CLAIM_STALE_S", -1.0)
    assert (await desk.network.tip()).height == 1
    assert desk.said() == [("a-b.xml", "accepted")]


async def test_two_processes_on_one_folder_take_each_statement_in_once(desk: Desk) -> None:
    other = Desk(desk.folder, desk.store)
    for number, raw in enumerate((FIRST, SECOND, THIRD)):
        desk.drop(f"{number}.xml", raw)
    await asyncio.gather(desk.network.tip(), other.network.tip())
    assert await desk.network.tip() == await other.network.tip()
    assert [row.height for row, _ in desk.store.rows] == [1, 2, 3]
    assert desk.files("in") == desk.files("refused") == []


async def test_the_account_may_begin_with_a_balance(tmp_path: Path) -> None:
    desk = Desk(tmp_path, opening_units=100)
    desk.drop("2.xml", SECOND)
    tip = await desk.network.tip()
    assert tip.height == 1
    assert (await desk.network.observe([], BlockRef(0, ""))).units == {"EUR": 100}


async def test_what_it_tells_names_no_other_account_and_no_person(desk: Desk) -> None:
    desk.drop("a.xml", document(statement(iban=OTHER_IBAN)))
    desk.drop("b.xml", document(statement("0.00", "2.00", entry("1.00", text="Ada Lovelace"))))
    desk.drop("c.xml", FIRST.replace(b"</Ntry>", b"<AddtlNtryInf>" + b"Ada " * 200 + b"</AddtlNtryInf></Ntry>"))
    await desk.network.tip()
    assert len(desk.told) == 3
    assert not any("Ada" in notice.reason or OTHER_IBAN in notice.reason for notice in desk.told)
