from collections.abc import Sequence
from dataclasses import replace

import pytest

from api.settings import BankDetails
from api.v1.networks import NetworkView
from api.web.codes import payment_text, qr_svg
from api.web.reading import Arrival, Departure, Live, Person, Receiving
from api.web.rendering import render_fragments, render_page, short_amount, short_id, spaced
from wallet.deposits.progress import progress
from wallet.networks.view import NetworkStatus

BANK = BankDetails("DE89370400440532013000", "COBADEFFXXX", "Coffer Test")
HOSTILE = '<script>alert(1)</script>"onload="x'


def live(owner: Person | None, arrivals: Sequence[Arrival] = (), receiving: Sequence[Receiving] = ()) -> Live:
    network = NetworkView(
        id="bitcoin",
        kind="bitcoin",
        assets=["BTC"],
        status=NetworkStatus.NOT_ANSWERING,
        answering=False,
        tip=None,
        final=None,
        scanned=None,
        lag_blocks=None,
        lag_s=None,
        catching_up=None,
        seen_at=None,
    )
    sent = Departure("wdr_1", "alice", "sepa", "EUR", "5.00", None, None, "rejected", HOSTILE, (HOSTILE,), "now")
    return Live(
        owner=owner,
        people=(owner,) if owner else (),
        arrivals=tuple(arrivals),
        departures=(sent,),
        receiving=tuple(receiving),
        networks=(network,),
        paused=("EUR",),
        version="1",
        mode="dev",
        source_url="/v1/source",
    )


@pytest.mark.parametrize(
    ("exact", "shown"),
    [
        ("0.000000", "0.00"),
        ("1000.000000", "1\u202f000.00"),
        ("0.123456789012345678", "0.123456789012345678"),
        ("2.000000000000000000", "2.00"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("1234567.50", "1\u202f234\u202f567.50"),
        ("7", "7"),
        ("0.1", "0.1"),
    ],
)
def test_amounts_for_the_eye_lose_only_zeros(exact: str, shown: str) -> None:
    assert short_amount(exact) == shown


@pytest.mark.parametrize(
    ("height", "tip", "final", "expected"),
    [
        (None, 10, 8, (None, None)),
        (5, None, None, (None, None)),
        (10, 10, 8, (1, 3)),
        (10, 11, 9, (2, 3)),
        (10, 12, 10, (3, 3)),
        (10, 12, None, (3, None)),
        (12, 11, 9, (1, 4)),
    ],
)
def test_progress_is_confirmations_of_those_that_finality_takes(
    height: int | None, tip: int | None, final: int | None, expected: tuple[int | None, int | None]
) -> None:
    assert progress(height, tip, final) == expected


def test_everything_that_others_wrote_is_escaped() -> None:
    person = Person("cus_1", "alice", ())
    arrival = Arrival("dep_1", "alice", "sepa", "EUR", "1.00", "quarantined", HOSTILE, HOSTILE, "now", None, None)
    page = render_page(live(person, [arrival]), "/live.css", "/live.js")
    assert "<script>alert" not in page
    assert '"onload="' not in page
    assert "&lt;script&gt;alert" in page


def test_a_page_of_nobody_renders_too() -> None:
    fragments = render_fragments(live(None))
    assert "No customers yet" in fragments["balances"]
    assert "EUR is paused" in fragments["notices"]
    assert "not answering" in fragments["networks"]


def test_a_bank_reference_is_shown_with_the_account_and_as_a_banking_apps_code() -> None:
    place = Receiving("adr_1", "alice", "sepa", "sepa", ("EUR",), "RF18539007547034", BANK)
    html = render_fragments(live(Person("cus_1", "alice", ()), receiving=[place]))["addresses"]
    assert "RF18 5390 0754 7034" in html
    assert "DE89 3704 0044 0532 0130 00" in html
    lines = payment_text("sepa", "RF18539007547034", BANK).split("\n")
    assert lines[:7] == ["BCD", "002", "1", "SCT", "COBADEFFXXX", "Coffer Test", "DE89370400440532013000"]
    assert lines[9] == "RF18539007547034"


def test_a_qr_code_is_a_drawing_without_the_text() -> None:
    drawn = str(qr_svg(payment_text("bitcoin", "bcrt1qexample", None)))
    assert drawn.startswith("<svg")
    assert "bcrt1qexample" not in drawn
    assert "style=" not in drawn
    assert payment_text("bitcoin", "bcrt1q", None) == "bitcoin:bcrt1q"
    assert payment_text("evm", "0xab", None) == "0xab"


def test_long_ids_are_cut_in_the_middle_and_references_are_grouped() -> None:
    assert short_id("a" * 64) == "aaaaaaaaaa…aaaaaa"
    assert short_id("short") == "short"
    assert spaced("RF18539007547034") == "RF18 5390 0754 7034"


def test_what_is_owed_is_shown_beside_what_is_there_and_only_then() -> None:
    figures = {"posted": "0.00", "held": "0.00", "available": "0.00"}
    owes = {"asset": "EUR", **figures, "receivable": "15.00"}
    even = {"asset": "BTC", **figures, "receivable": "0.00000000"}
    html = render_fragments(live(Person("cus_1", "alice", (owes, even))))["balances"]
    assert "15.00 owed to the house" in html
    assert html.count("owed to the house") == 1
    by_operator = render_fragments(replace(live(None), people=(Person("cus_1", "alice", (owes, even)),)))["balances"]
    assert "15.00 owed to the house" in by_operator
    assert "BTC" not in by_operator
