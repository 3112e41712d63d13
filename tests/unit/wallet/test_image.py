"""What the writer remembers between batches: what a batch left, within bounds, and nothing after a failure."""

from datetime import UTC, datetime

from wallet.journal import image as images
from wallet.journal.head import Head
from wallet.journal.image import ACCOUNTS_MAX, ROWS_MAX, Image
from wallet.journal.judge import Known, Totals
from wallet.journal.remembered import Remembered

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ASSET, OTHER = ("assets", "EUR"), ("assets", "BTC")


def head(seq: int) -> Head:
    return Head(seq, bytes([seq]), NOON, 0)


def with_totals(**units: int) -> Known:
    return Known(totals={name: Totals(credits_posted=number) for name, number in units.items()})


def test_a_new_image_knows_nothing() -> None:
    image = Image()
    assert image.head is None
    assert (image.epoch, image.totals, image.versions, image.last, image.last_answers) == (0, {}, {}, Known(), {})


def test_it_keeps_what_each_batch_left() -> None:
    image, second = Image(), with_totals(b=3, c=4)
    answers = {("cus_a", "pay", "k"): Remembered(b"digest", RuntimeError())}  # type: ignore[arg-type]
    image.advance(head(1), with_totals(a=1, b=2), {}, ())
    image.advance(head(2), second, answers, ())
    assert {name: totals.credits_posted for name, totals in image.totals.items()} == {"a": 1, "b": 3, "c": 4}
    assert image.head == head(2)
    assert image.last is second
    assert image.last_answers is answers


def test_it_keeps_versions_of_the_rows_that_decisions_rested_on_and_follows_them() -> None:
    image = Image()
    image.advance(head(1), Known(versions={ASSET: 4, OTHER: 1}), {}, [ASSET])
    assert image.versions == {ASSET: 4}
    image.advance(head(2), Known(versions={ASSET: 5, OTHER: 2}), {}, ())
    assert image.versions == {ASSET: 5}
    image.advance(head(3), Known(versions={OTHER: None}), {}, [OTHER])
    assert image.versions == {ASSET: 5}, "a row that does not exist has no version"


def test_after_a_failure_it_knows_nothing_and_is_another_epoch() -> None:
    image = Image()
    image.advance(head(1), with_totals(a=1), {("o", "p", "k"): Remembered(b"", None)}, ())  # type: ignore[arg-type]
    image.advance(head(1), Known(versions={ASSET: 1}), {}, [ASSET])
    image.forget()
    assert image == Image(epoch=1)
    image.forget()
    assert image.epoch == 2


def test_beyond_its_bound_it_keeps_the_accounts_of_the_last_batch_alone() -> None:
    image = Image()
    image.advance(head(1), with_totals(**{f"a{n}": n for n in range(1, ACCOUNTS_MAX)}), {}, ())
    image.advance(head(1), with_totals(a0=1), {}, ())
    assert len(image.totals) == ACCOUNTS_MAX
    known = with_totals(b=1)
    image.advance(head(2), known, {}, ())
    assert image.totals == known.totals
    assert image.totals is not known.totals, "the batch's own are advanced no more, and the image's are"


def test_beyond_its_bound_it_keeps_no_versions() -> None:
    image = Image()
    rows = {("assets", str(n)): 1 for n in range(ROWS_MAX)}
    image.advance(head(1), Known(versions=dict(rows)), {}, rows)
    assert len(image.versions) == images.ROWS_MAX
    image.advance(head(2), Known(versions={ASSET: 1}), {}, [ASSET])
    assert image.versions == {}
