"""A witness's file by itself: each line is a signed head, rows and times only go forward, and a cut line is passed over."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wallet.journal.receipts import JournalKey, sign_batch
from wallet.proofs.witness import HeadForked, HeadMissing, LineRefused, SignedHead, check_lines, read_heads

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
KEY, OTHER = JournalKey.from_seed(bytes(32)), JournalKey.from_seed(bytes([1] * 32))


def head(seq: int, key: JournalKey = KEY, at: datetime | None = None) -> SignedHead:
    moment = at or NOON + timedelta(seconds=seq)
    digest, root = hashlib.sha256(b"head %d" % seq).digest(), hashlib.sha256(b"root %d" % seq).digest()
    return SignedHead(seq, digest, moment, root, key.id, sign_batch(key, digest, moment, root))


def numbered(*heads: SignedHead) -> list[tuple[int, SignedHead]]:
    return list(enumerate(heads, start=1))


def test_a_head_is_written_as_a_line_and_read_again() -> None:
    signed, unsigned = head(7), replace(head(8), root=None, key=None, signature=None)
    assert signed.root is not None
    assert signed.signature is not None
    line = signed.to_line()
    assert line == (
        f'{{"at":"2026-11-22T12:00:07.000000+00:00","head":"{signed.hash.hex()}","seq":7,"root":"{signed.root.hex()}",'
        f'"key":"{KEY.id}","signature":"{signed.signature.hex()}"}}\n'
    )
    assert unsigned.to_line().endswith('"seq":8,"root":null,"key":null,"signature":null}\n')
    assert list(read_heads([line, unsigned.to_line()])) == [(1, signed), (2, unsigned)]


def test_a_line_that_was_cut_is_passed_over() -> None:
    line = head(7).to_line()
    assert list(read_heads(["", "\n", line[:40], line[:40] + "\n", line])) == [(5, head(7))]


def test_a_whole_line_is_read_whatever_space_follows_it() -> None:
    """Or a space put behind it would take it out of the comparison."""
    assert list(read_heads([head(7).to_line().replace("\n", " \r\n")])) == [(1, head(7))]


@pytest.mark.parametrize(
    "line",
    [
        "{}\n",
        "x}\n",
        head(7).to_line().replace('"seq":7', '"seq":"7"'),
        head(7).to_line().replace('"seq"', '"sequence"'),
        head(7).to_line().replace("2026-11-22T", "yesterday"),
        head(7).to_line().replace(head(7).hash.hex(), "zz"),
    ],
)
def test_a_line_that_is_none_is_named(line: str) -> None:
    with pytest.raises(LineRefused, match=r"^line 2 of the witness: cannot be read: "):
        list(read_heads([head(6).to_line(), line]))


def test_heads_that_go_forward_are_counted_and_repeated_ones_once() -> None:
    heads = [head(1, OTHER), head(1, OTHER), head(4), head(4), head(9)]
    assert check_lines(numbered(*heads), [KEY.id, OTHER.id]) == 3
    assert check_lines([], [KEY.id]) == 0
    assert check_lines(numbered(head(1), head(2, at=head(1).at)), [KEY.id]) == 2


REFUSED: dict[str, tuple[Callable[[], list[SignedHead]], str]] = {
    "no root": (lambda: [replace(head(2), root=None)], "line 2 of the witness: is not signed"),
    "no key": (lambda: [replace(head(2), key=None)], "line 2 of the witness: is not signed"),
    "no signature": (lambda: [replace(head(2), signature=None)], "line 2 of the witness: is not signed"),
    "another key": (lambda: [head(2, OTHER)], f"line 2 of the witness: is signed by {OTHER.id}"),
    "another hash": (
        lambda: [replace(head(2), hash=bytes(32))],
        f"line 2 of the witness: the signature of {KEY.id} does not cover it",
    ),
    "an earlier row": (
        lambda: [head(0, at=NOON + timedelta(hours=1))],
        "line 2 of the witness: row 0 comes after row 1: the journal went back or was forked",
    ),
    "the same row with another hash": (
        lambda: [replace(head(2), seq=1)],
        "line 2 of the witness: row 1 comes after row 1: the journal went back or was forked",
    ),
    "an earlier time": (
        lambda: [head(2, at=NOON)],
        (
            "line 2 of the witness: 2026-11-22T12:00:00.000000+00:00 comes after 2026-11-22T12:00:01.000000+00:00:"
            " the time went back"
        ),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_witness_cannot_have_seen_is_named(what: str) -> None:
    make, words = REFUSED[what]
    with pytest.raises(LineRefused) as refused:
        check_lines(numbered(head(1), *make()), [KEY.id])
    assert str(refused.value) == words


def test_what_a_witness_tells_of_a_journal_is_said_in_words() -> None:
    assert str(HeadMissing(head(7), 5)) == (
        "the witness saw journal row 7 at 2026-11-22T12:00:07.000000+00:00, and the journal ends with row 5: its tail was lost"
    )
    assert str(HeadForked(head(7))) == (
        f"the witness saw journal row 7 with the hash {head(7).hash.hex()}, and the journal has another:"
        " it was forked or written anew"
    )
