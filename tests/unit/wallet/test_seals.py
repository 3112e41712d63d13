"""The seals of the journal: rows as PostgreSQL copies them, the chain, batches, roots and signatures; each bad one named."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from struct import pack

import pytest
from msgspec import structs

from tests.unit.wallet.told import body_of, claim
from wallet.ids import CustomerId
from wallet.journal import Change, EventKind, Request
from wallet.journal.chain import GENESIS, link, microseconds
from wallet.journal.receipts import JournalKey, Tree, leaf, sign_batch
from wallet.ledger.templates import payment_sent
from wallet.money import Amount, Asset
from wallet.proofs.batches import read_batch
from wallet.proofs.copied import chain_words, journal_rows, sound_bodies, tail
from wallet.proofs.seals import BatchRow, BlockSeal, HereSealer, Seals, Told, answer_line, read_outside, viewer_lines

NOON = datetime(2026, 11, 22, 12, 0, 0, 77, tzinfo=UTC)
DAY = 20_779  # days from 1970-01-01 to 2026-11-22
LATER = NOON + timedelta(seconds=5)
KEY = JournalKey.from_seed(bytes(32))
EURO = Amount(100, Asset("EUR", 2))
_2000 = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    seq: int
    at: datetime
    body: bytes
    hash: bytes
    kind: str
    actor: str


def change(number: int) -> Change:
    request = Request("cus_ann", "payment.send", f"key\t{number}", bytes([number] * 32)) if number % 2 else None
    told = {"id": f"pay_{number}"}
    viewers = ("cus_ben", "cus_ann", "cus_ben") if number == 1 else ("cus_ann",)
    return Change("cus_ann", EventKind.PAYMENT_SENT, told, request=request, viewers=viewers, result=told)


def written(count: int, at: datetime = NOON) -> list[Row]:
    rows, previous = [], GENESIS
    for seq in range(1, count + 1):
        told = body_of(change(seq))
        previous = link(previous, seq, at, told)
        rows.append(Row(seq, at, told, previous, "payment.sent", "cus_ann"))
    return rows


def copied(rows: Sequence[Row]) -> bytes:
    """PostgreSQL documentation, COPY, "Binary Format", of seq, at, body, hash, kind and actor."""
    told = b"PGCOPY\n\xff\r\n\0" + pack("!ii", 0, 0)
    for row in rows:
        fields = [
            pack("!q", row.seq),
            pack("!q", (row.at - _2000) // timedelta(microseconds=1)),
            *(row.body, row.hash, row.kind.encode(), row.actor.encode()),
        ]
        told += pack("!h", len(fields)) + b"".join(pack("!i", len(one)) + one for one in fields)
    return told + pack("!h", -1)


def batch(rows: Sequence[Row], key: JournalKey | None = KEY) -> BatchRow:
    first, last, at = rows[0].seq, rows[-1].seq, rows[-1].at
    if key is None:
        return (first, last, at, None, None, None)
    claims = [claim(at, change(row.seq)) for row in rows]
    root = Tree([leaf(row.hash, claim) for row, claim in zip(rows, claims, strict=True)]).root
    return (first, last, at, root, key.id, sign_batch(key, rows[-1].hash, at, root))


FIVE = written(5)
BATCHES = [batch(FIVE[:2]), batch(FIVE[2:3]), batch(FIVE[3:])]


def test_rows_are_read_out_of_a_binary_copy() -> None:
    told = copied(FIVE)
    found = list(journal_rows(told))
    assert [(seq, at, record) for seq, at, record, _ in found] == [(r.seq, microseconds(r.at), r.body) for r in FIVE]
    for row, (_, _, _, rest) in zip(FIVE, found, strict=True):
        assert told.startswith(tail(row.hash, row.kind, row.actor), rest)
    assert list(sound_bodies(told)) == [(row.seq, row.body) for row in FIVE]
    assert list(journal_rows(copied([]))) == []
    assert list(sound_bodies(copied([]))) == []
    long = replace(FIVE[0], kind="", actor="é" * 300)
    assert [seq for seq, *_ in journal_rows(copied([long, FIVE[1]]))] == [1, 2]
    assert list(sound_bodies(copied([long, FIVE[1]]))) == [(1, long.body), (2, FIVE[1].body)]


def test_times_before_2000_are_those_since_1970_too() -> None:
    early = replace(FIVE[0], at=datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    assert [at for _, at, *_ in journal_rows(copied([early]))] == [1_000_000]


def test_the_words_of_the_chain_are_those_of_a_link() -> None:
    told = b"coffer/journal/1" + GENESIS + chain_words(1, microseconds(NOON), FIVE[0].body) + FIVE[0].body
    assert hashlib.sha256(told).digest() == FIVE[0].hash


async def test_a_sound_journal_is_sealed_block_by_block() -> None:
    sealer = HereSealer()
    first = await sealer.take(copied(FIVE[:3]), BATCHES[:2])
    assert first == BlockSeal(3, FIVE[2].hash, microseconds(NOON))
    assert await sealer.take(copied(FIVE[3:]), BATCHES[2:]) == BlockSeal(5, FIVE[4].hash, microseconds(NOON))
    answers = "".join(f"{n}\t{DAY}\tcus_ann\tpayment.send\tkey\\t{n}\t{bytes([n] * 32).hex()}\n" for n in (1, 3, 5))
    viewers = "1\tcus_ann\n1\tcus_ben\n" + "".join(f"{n}\tcus_ann\n" for n in (2, 3, 4, 5))
    assert await sealer.close([KEY.id]) == Told(3, 5, {DAY: digest(answers)}, digest(viewers))


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


async def test_a_batch_may_end_in_a_later_block() -> None:
    sealer = HereSealer()
    assert (await sealer.take(copied(FIVE[:1]), BATCHES)).broken is None
    assert (await sealer.take(copied(FIVE[1:]), [])).broken is None
    assert (await sealer.close([KEY.id])).batches == 3


async def test_batches_from_before_receipts_are_unsigned() -> None:
    sealer = HereSealer()
    assert (await sealer.take(copied(FIVE), [batch(FIVE[:2], None), batch(FIVE[2:])])).broken is None
    told = await sealer.close([KEY.id])
    assert (told.batches, told.receipts) == (2, 3)


def test_a_batch_is_signed_only_if_nothing_of_its_seal_is_missing() -> None:
    assert read_batch(1, 2, NOON, b"root", "key", b"signature").seal == (b"root", "key", b"signature")
    for seal in ((None, "key", b"signature"), (b"root", None, b"signature"), (b"root", "key", None)):
        assert read_batch(1, 2, NOON, *seal).seal is None


Broken = tuple[Callable[[], bytes], Callable[[], list[BatchRow]], int, str]
FORGED = sign_batch(KEY, FIVE[1].hash, LATER, BATCHES[0][3] or b"")
BAD: dict[str, Broken] = {
    "a row is missing": (
        lambda: copied([FIVE[0], *FIVE[2:]]),
        lambda: BATCHES,
        1,
        "journal row 2 is missing: the next is 3",
    ),
    "a body": (
        lambda: copied([FIVE[0], replace(FIVE[1], body=FIVE[1].body.replace(b"pay_2", b"pay_9")), *FIVE[2:]]),
        lambda: BATCHES,
        1,
        "journal row 2 does not match its hash: it, its time or its place was changed",
    ),
    "a time": (
        lambda: copied([FIVE[0], replace(FIVE[1], at=LATER), *FIVE[2:]]),
        lambda: BATCHES,
        1,
        "journal row 2 does not match its hash: it, its time or its place was changed",
    ),
    "a kind": (
        lambda: copied([*FIVE[:4], replace(FIVE[4], kind="payment.sens")]),
        lambda: BATCHES,
        4,
        "journal row 5: kind or actor differ from the sealed body",
    ),
    "an actor": (
        lambda: copied([*FIVE[:4], replace(FIVE[4], actor="cus_ben")]),
        lambda: BATCHES,
        4,
        "journal row 5: kind or actor differ from the sealed body",
    ),
    "no batch": (lambda: copied(FIVE), lambda: BATCHES[:2], 3, "journal row 4 is in no batch"),
    "a batch that begins later": (
        lambda: copied(FIVE),
        lambda: [BATCHES[0], BATCHES[2]],
        2,
        "journal row 3 is in no batch: the batch of journal rows 4 to 5 is the next",
    ),
    "a batch that ends before it begins": (
        lambda: copied(FIVE),
        lambda: [(1, 0, *BATCHES[0][2:])],
        0,
        "journal row 1 is in no batch: the batch of journal rows 1 to 0 is the next",
    ),
    "a batch of another time": (
        lambda: copied(FIVE),
        lambda: [(1, 2, LATER, *BATCHES[0][3:])],
        0,
        "journal row 1 has another time than the batch of journal rows 1 to 2",
    ),
    "a batch that is not signed any more": (
        lambda: copied(FIVE),
        lambda: [BATCHES[0], batch(FIVE[2:3], None), BATCHES[2]],
        2,
        "the batch of journal rows 3 to 3 is not signed, and one before it is",
    ),
    "a root": (
        lambda: copied(FIVE),
        lambda: [(*BATCHES[0][:3], bytes(32), *BATCHES[0][4:])],
        1,
        "the batch of journal rows 1 to 2 has another root than its rows lead to",
    ),
    "a signature": (
        lambda: copied(FIVE),
        lambda: [(*BATCHES[0][:5], FORGED), *BATCHES[1:]],
        1,
        "the batch of journal rows 1 to 2 is not signed by the key that it names",
    ),
    "a signature and a later row": (
        lambda: copied(FIVE[:4]),
        lambda: [(*BATCHES[0][:5], FORGED), BATCHES[1]],
        1,
        "the batch of journal rows 1 to 2 is not signed by the key that it names",
    ),
}


@pytest.mark.parametrize("what", BAD)
async def test_the_first_bad_seal_is_named(what: str) -> None:
    journal, batches, sound, words = BAD[what]
    found = await HereSealer().take(journal(), batches())
    assert (found.seq, found.broken) == (sound, words)


def test_what_cannot_be_read_is_named_though_its_hash_is_right() -> None:
    body = b"{}"
    row = Row(1, NOON, body, link(GENESIS, 1, NOON, body), "payment.sent", "cus_ann")
    found, _ = Seals().take(copied([row]), [(1, 1, NOON, None, None, None)])
    assert found.seq == 0
    assert (found.broken or "").startswith("journal row 1 cannot be read: ")


async def test_a_key_that_signed_must_be_listed() -> None:
    sealer = HereSealer()
    await sealer.take(copied(FIVE), BATCHES)
    with pytest.raises(
        Exception, match=f"the batch that ends with journal row 2 is signed by {KEY.id}, which is not listed"
    ):
        await sealer.close([])


def test_whoever_owns_an_account_that_moves_has_no_line_of_their_own() -> None:
    told = read_outside(body_of(paid()))
    assert viewer_lines(7, told) == ["7\tcus_cem\n"]
    assert viewer_lines(8, read_outside(body_of(structs.replace(paid(), viewers=())))) == []


def paid() -> Change:
    """Ann pays Ben, and Cem may see it too."""
    viewers, entry = ("cus_ann", "cus_cem", "cus_ben"), payment_sent(CustomerId("cus_ann"), CustomerId("cus_ben"), EURO)
    return Change("cus_ann", EventKind.PAYMENT_SENT, {}, entry=entry, viewers=viewers)


def test_lines_are_written_as_copy_writes_them() -> None:
    assert answer_line(7, DAY, ("cus_a", "pay", "a\\b", "00")) == f"7\t{DAY}\tcus_a\tpay\ta\\\\b\t00\n"
    assert answer_line(7, DAY, ("cus_a", "pay", "a\\b\nc", "00")) == f"7\t{DAY}\tcus_a\tpay\ta\\\\b\\nc\t00\n"
    assert answer_line(7, DAY, ("cus_a", "pay", "\b\f\r\v\té", "00")) == f"7\t{DAY}\tcus_a\tpay\t\\b\\f\\r\\v\\té\t00\n"
