"""The books as bodies tell them: balances, holds, rows and vault after each kind of journal row, and what COPY would write."""

import msgspec
import pytest

from wallet.proofs.broken import BooksBroken
from wallet.proofs.replay import UNCLEAR, Body, Replay, Wire, is_clear, read_body, row_line, row_values

ANN, BEN, HOT = "cus_ann:balance:EUR", "cus_ben:balance:EUR", "house:hot@sepa:EUR"
ROW = {"id": "EUR", "decimals": 2, "paused": False, "pause_reason": None, "version": 1}


def body(*entry: Wire, **parts: object) -> Body:
    told = {"entry": entry, "flags": [], "vault": [], "writes": [], "actor": "passed over", **parts}
    return read_body(msgspec.json.encode(told))


def applied(*bodies: Body) -> tuple[Replay, list[str]]:
    replay, lines = Replay(), list[str]()
    for seq, one in enumerate(bodies, start=7):
        replay.apply(seq, one, lines)
    return replay, lines


POSTED = ("post", HOT, ANN, "EUR", "100", None)
HELD = ("hold", ANN, BEN, "EUR", "60", "hld_one")


def test_what_is_posted_moves_both_sides_at_once() -> None:
    replay, lines = applied(body(POSTED), body(("post", ANN, BEN, "EUR", "30", None)))
    assert replay.totals == {HOT: [0, 100, 0, 0], ANN: [0, 30, 0, 100], BEN: [0, 0, 0, 30]}
    assert lines == [
        f"7\t0\tpost\t{HOT}\t{ANN}\tEUR\t100\t\t-100\t0\t100\t0\n",
        f"8\t0\tpost\t{ANN}\t{BEN}\tEUR\t30\t\t70\t0\t30\t0\n",
    ]
    assert replay.transfers == 2
    assert replay.holds == {}


def test_a_hold_is_pending_until_it_is_settled_or_voided_in_parts() -> None:
    settled, voided = ("settle", ANN, BEN, "EUR", "45", "hld_one"), ("void", ANN, BEN, "EUR", "5", "hld_one")
    replay, lines = applied(body(POSTED, HELD))
    assert replay.totals == {HOT: [0, 100, 0, 0], ANN: [60, 0, 0, 100], BEN: [0, 0, 60, 0]}
    assert replay.holds == {"hld_one": [ANN, BEN, "EUR", 60, 60]}
    replay.apply(8, body(settled, voided), lines)
    assert replay.totals == {HOT: [0, 100, 0, 0], ANN: [10, 45, 0, 100], BEN: [0, 0, 10, 45]}
    assert replay.holds == {"hld_one": [ANN, BEN, "EUR", 60, 10]}
    assert replay.transfers == 4
    assert lines[1:] == [
        f"7\t1\thold\t{ANN}\t{BEN}\tEUR\t60\thld_one\t100\t60\t0\t0\n",
        f"8\t0\tsettle\t{ANN}\t{BEN}\tEUR\t45\thld_one\t55\t15\t45\t0\n",
        f"8\t1\tvoid\t{ANN}\t{BEN}\tEUR\t5\thld_one\t55\t10\t45\t0\n",
    ]


def test_what_a_hold_takes_from_is_shown_as_held_on_the_credit_side_too() -> None:
    _, lines = applied(body(POSTED, HELD, ("post", HOT, ANN, "EUR", "1", None)))
    assert lines[2] == f"7\t2\tpost\t{HOT}\t{ANN}\tEUR\t1\t\t-101\t0\t101\t60\n"


def test_what_is_posted_after_a_transfer_is_credits_less_debits_on_both_sides() -> None:
    back = ("post", BEN, ANN, "EUR", "20", None)
    _, lines = applied(body(POSTED, ("post", ANN, BEN, "EUR", "30", None), back))
    assert lines[2] == f"7\t2\tpost\t{BEN}\t{ANN}\tEUR\t20\t\t10\t0\t90\t0\n"


def test_a_hold_without_a_name_moves_and_is_no_hold() -> None:
    replay, _ = applied(body(("hold", ANN, BEN, "EUR", "5", None)))
    assert replay.holds == {}
    assert replay.totals[ANN] == [5, 0, 0, 0]


def test_an_empty_name_is_unclear_and_never_taken_for_none() -> None:
    _, lines = applied(body(("post", HOT, ANN, "EUR", "1", "")))
    assert lines[0].split("\t")[7] == UNCLEAR
    assert not is_clear(lines[0], 1, 12)


def test_flags_open_an_account_and_are_the_last_ones_told() -> None:
    replay, _ = applied(body(flags=[(ANN, 5)]), body(flags=[(ANN, 1)]))
    assert replay.totals == {ANN: [0, 0, 0, 0]}
    assert replay.flags == {ANN: 1}


def test_items_of_the_vault_are_kept_with_their_commitments() -> None:
    replay, _ = applied(body(vault=[("vlt_one", "cus_ann", "name", "00ff")]))
    assert replay.vault == {"vlt_one": ("cus_ann", "name", "00ff")}


def test_a_row_is_inserted_once_and_updated_version_by_version() -> None:
    paused = {"id": "EUR", "paused": True, "pause_reason": "look", "version": 2}
    replay, _ = applied(body(writes=[("insert", "assets", ROW)]), body(writes=[("update", "assets", paused)]))
    assert list(replay.rows["assets"]) == ["EUR"]
    assert row_values("assets", replay.rows["assets"]["EUR"]) == {**ROW, **paused}
    replay.apply(9, body(writes=[("update", "assets", {"id": "EUR", "paused": False, "version": 3})]), [])
    after = row_values("assets", replay.rows["assets"]["EUR"])
    assert (after["paused"], after["pause_reason"], after["version"]) == (False, "look", 3)


@pytest.mark.parametrize(
    ("writes", "words"),
    [
        ([("insert", "assets", ROW), ("insert", "assets", ROW)], "journal row 7 inserts assets EUR a second time"),
        ([("update", "assets", {**ROW, "version": 2})], "journal row 7 updates assets EUR out of order"),
        (
            [("insert", "assets", ROW), ("update", "assets", {"id": "EUR", "version": 3})],
            "journal row 7 updates assets EUR out of order",
        ),
        (
            [("insert", "assets", ROW), ("update", "assets", {"id": "EUR", "version": 1})],
            "journal row 7 updates assets EUR out of order",
        ),
    ],
)
def test_a_row_that_comes_out_of_order_is_named(writes: list[object], words: str) -> None:
    with pytest.raises(BooksBroken) as broken:
        applied(body(writes=writes))
    assert str(broken.value) == words


def test_what_a_row_does_not_name_is_null() -> None:
    values = row_values("assets", row_line("assets", {"id": "EUR", "version": 1}))
    assert (values["id"], values["version"], values["paused"]) == ("EUR", 1, None)


@pytest.mark.parametrize(
    ("text", "rows", "columns", "clear"),
    [
        ("", 0, 3, True),
        ("a\tb\n", 1, 2, True),
        ("a\tb\nc\td\n", 2, 2, True),
        ("a\tb\n", 2, 2, False),
        ("a\tb\n", 1, 3, False),
        ("a\tb\\\n", 1, 2, False),
        ("a\nb\n", 1, 1, False),
        ("a\n", 1, 1, True),
    ],
)
def test_a_text_is_clear_if_only_copy_writes_it_so(text: str, rows: int, columns: int, clear: bool) -> None:
    assert is_clear(text, rows, columns) is clear
