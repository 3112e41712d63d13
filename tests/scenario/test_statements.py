"""The bank's files, as banks send them: twice, too early, contradictory, broken, without a reference."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from node.devnet.bank import read_order
from node.devnet.bank_statement import Line, Page, render
from node.devnet.networks import BANK_IBAN
from tests.scenario.house import SEPA, House
from tests.scenario.paid_in import PAYEE_IBAN, PAYER_IBAN, credited, executed_orders, figures
from wallet import schema
from wallet.assets.pause import resume_asset
from wallet.deposits.attribute import attribute_deposit
from wallet.errors import AssetPaused
from wallet.ids import CustomerId
from wallet.ports import Destination

AT = datetime(2026, 3, 2, 17, tzinfo=UTC)
PAYOUT_SCHEMA = Path("chains/sepa/vendor/pain.001.001.09.xsd")
LONG_AGO = 1_700_000_000  # a file of this age is not in the writing any more
BOMB = b"""<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><Document>&c;</Document>"""


def credit(units: int, text: str, number: int) -> Line:
    return Line(units, True, "Payer Example", PAYER_IBAN, text, servicer_reference=f"TEST{number:06d}")


def page(number: int, opening: int, *lines: Line) -> Page:
    """The statement of one day, numbered by the bank."""
    moved = sum(line.units if line.credit else -line.units for line in lines)
    return Page(BANK_IBAN, number, opening, opening + moved, AT.replace(day=number + 1), lines)


def drop(house: House, name: str, statement: Page | bytes) -> None:
    """The bank puts a file into the folder, whole."""
    raw = statement if isinstance(statement, bytes) else render(statement, "08")
    draft = house.devnet.bank_folder / "in" / f"{name}.part"
    draft.write_bytes(raw)
    os.utime(draft, (LONG_AGO, LONG_AGO))
    draft.rename(draft.with_suffix(""))


async def notices(house: House) -> dict[str, str]:
    return {row["subject"]: row["state"] for row in await house.rows(schema.notices)}


async def heights(house: House) -> list[int]:
    return sorted(row["height"] for row in await house.rows(schema.statements))


def files(house: House, folder: str) -> set[str]:
    return {path.name for path in (house.devnet.bank_folder / folder).iterdir()}


async def alice_and_reference(house: House) -> tuple[CustomerId, str]:
    alice = await house.customer("alice")
    return alice, await house.address(alice, SEPA)


async def test_the_same_file_twice_credits_once_and_says_so(house: House) -> None:
    alice, reference = await alice_and_reference(house)
    first = page(1, 0, credit(5_000, reference, 1))
    for name in ("a.xml", "again.xml"):
        drop(house, name, first)
        await house.step(SEPA)
    drop(house, "other-document.xml", render(first, "08").replace(b"DEVBANK-1", b"DEVBANK-1-AGAIN"))
    await house.step(SEPA)
    assert await notices(house) == {"a.xml": "accepted", "again.xml": "recognised", "other-document.xml": "recognised"}
    assert await figures(house, alice, "EUR") == (5_000, 0)
    assert len(await house.deposits()) == 1
    await house.prove()


async def test_a_statement_that_runs_ahead_waits_and_both_are_taken_in_their_order(house: House) -> None:
    alice, reference = await alice_and_reference(house)
    drop(house, "2.xml", page(2, 5_000, credit(700, reference, 2)))
    await house.step(SEPA)
    assert await notices(house) == {"2.xml": "waiting"}
    assert (await heights(house), await house.deposits()) == ([], [])
    assert files(house, "in") == {"2.xml"}
    drop(house, "1.xml", page(1, 0, credit(5_000, reference, 1)))
    await house.step(SEPA)
    assert await notices(house) == {"1.xml": "accepted", "2.xml": "accepted"}
    assert sorted((row["height"], row["units"]) for row in await house.deposits()) == [(1, 5_000), (2, 700)]
    assert await figures(house, alice, "EUR") == (5_700, 0)
    await house.prove()


async def test_a_statement_that_contradicts_an_earlier_one_is_refused_whole(house: House) -> None:
    alice, reference = await alice_and_reference(house)
    drop(house, "1.xml", page(1, 0, credit(5_000, reference, 1)))
    await house.step(SEPA)
    drop(house, "other-1.xml", page(1, 0, credit(9_000, reference, 1)))
    drop(house, "2-of-other-money.xml", page(2, 9_000, credit(1_000, reference, 2)))
    await house.step(SEPA)
    told = await notices(house)
    assert (told["other-1.xml"], told["2-of-other-money.xml"]) == ("refused", "refused")
    assert {"other-1.xml", "2-of-other-money.xml"} < files(house, "refused")
    assert await heights(house) == [1]
    assert await figures(house, alice, "EUR") == (5_000, 0)
    await house.prove()


def broken(reference: str) -> dict[str, bytes]:
    good = render(page(1, 0, credit(9_000, reference, 9)), "08")
    return {
        "not-xml.xml": b"\x00\xff this is no statement",
        "cut.xml": good[: len(good) // 2],
        "wrong-schema.xml": good.replace(b"<ElctrncSeqNb>", b"<Surprise>").replace(b"</ElctrncSeqNb>", b"</Surprise>"),
        "other-message.xml": good.replace(b"camt.053.001.08", b"camt.052.001.08"),
        "wrong-sum.xml": good.replace(b"90.00", b"91.00", 1),
        "other-account.xml": good.replace(BANK_IBAN.encode(), PAYEE_IBAN.encode()),
        "bomb.xml": BOMB,
        "empty.xml": b"",
    }


async def test_a_malformed_file_is_refused_whole_and_the_next_good_one_is_taken(house: House) -> None:
    alice, reference = await alice_and_reference(house)
    bad = broken(reference)
    for name, raw in bad.items():
        drop(house, name, raw)
    await house.step(SEPA)
    assert await notices(house) == dict.fromkeys(bad, "refused")
    assert {name for name in files(house, "refused") if name.endswith(".xml")} == set(bad)
    for name, raw in bad.items():
        assert (house.devnet.bank_folder / "refused" / name).read_bytes() == raw
    assert (await heights(house), await house.deposits()) == ([], [])
    drop(house, "good.xml", page(1, 0, credit(5_000, reference, 1)))
    await house.step(SEPA)
    assert (await notices(house))["good.xml"] == "accepted"
    assert await figures(house, alice, "EUR") == (5_000, 0)
    await house.prove()


async def test_a_payment_without_a_reference_waits_for_a_person_who_gives_it_to_its_owner(house: House) -> None:
    alice = await house.customer("alice")
    house.devnet.bank.pay_in("Payer Example", PAYER_IBAN, 4_200, "thank you")
    await house.until(lambda: has_deposits(house), SEPA)
    (lost,) = await house.deposits()
    assert (lost["state"], lost["reason"], lost["owner"]) == ("quarantined", "unattributed", None)
    assert await figures(house, alice, "EUR") == (0, 0)
    await attribute_deposit(house.context, "test", lost["id"], alice, "she called and named the day and the sum")
    await house.step(SEPA)
    (found,) = await house.deposits()
    assert (found["state"], found["owner"]) == ("credited", alice)
    assert await figures(house, alice, "EUR") == (4_200, 0)
    await house.step()
    await house.prove()


async def has_deposits(house: House) -> bool:
    return bool(await house.deposits())


async def eur(house: House) -> dict[str, Any]:
    return next(row for row in await house.rows(schema.assets) if row["id"] == "EUR")


async def test_a_charge_of_the_bank_is_an_expense_of_the_house_and_stops_nothing(house: House) -> None:
    alice, reference = await alice_and_reference(house)
    drop(house, "1.xml", page(1, 0, credit(5_000, reference, 1)))
    await house.step(SEPA)
    charge = Line(250, credit=False, text="Account charge", family="CHRG", servicer_reference="TEST000002")
    drop(house, "2.xml", page(2, 5_000, charge))
    await house.step(SEPA)
    assert await heights(house) == [1, 2]
    assert not (await eur(house))["paused"]
    assert await figures(house, alice, "EUR") == (5_000, 0)
    await house.prove()


async def test_what_the_bank_took_is_booked_even_before_the_books_hold_anything(house: House) -> None:
    """A charge in the very first statement, beside a credit that is nobody's: the loss can always be written down."""
    alice, reference = await alice_and_reference(house)
    charge = Line(250, credit=False, text="Account charge", family="CHRG", servicer_reference="TEST000002")
    stranger = Line(300, credit=False, name="Stranger", iban=PAYEE_IBAN, servicer_reference="TEST000003")
    drop(house, "1.xml", page(1, 0, credit(5_000, "no reference", 1), charge, stranger))
    drop(house, "2.xml", page(2, 4_450, credit(100, reference, 4)))
    for _ in range(3):
        await house.step(SEPA)
    assert await heights(house) == [1, 2]
    await house.prove()
    await resume_asset(house.context, "test", "EUR", "looked at")
    await house.step(SEPA)
    assert await figures(house, alice, "EUR") == (100, 0)
    await house.prove()


async def test_money_that_leaves_without_a_submission_stops_the_asset(house: House) -> None:
    alice, reference = await alice_and_reference(house)
    drop(house, "1.xml", page(1, 0, credit(5_000, reference, 1)))
    await house.step(SEPA)
    debit = Line(300, credit=False, name="Stranger", iban=PAYEE_IBAN, servicer_reference="TEST000002")
    drop(house, "2.xml", page(2, 5_000, debit))
    await house.step(SEPA)
    paused = await eur(house)
    assert paused["paused"]
    assert "no submission explains" in paused["pause_reason"]
    with pytest.raises(AssetPaused):
        await house.withdraw(alice, SEPA, "EUR", "1", Destination(PAYEE_IBAN, "Payee Example"))
    drop(house, "3.xml", page(3, 4_700, credit(100, reference, 3)))
    await house.step(SEPA)
    assert await figures(house, alice, "EUR") == (5_000, 0)
    assert [row["state"] for row in await house.deposits() if row["units"] == 100] == ["confirming"]
    await house.prove()


async def test_a_payout_file_is_valid_by_the_schema_and_leaves_once(house: House) -> None:
    alice, reference = await alice_and_reference(house)
    house.devnet.bank.pay_in("Payer Example", PAYER_IBAN, 10_000, reference)
    await credited(house, alice, "EUR", "100")
    await house.withdraw(alice, SEPA, "EUR", "60", Destination(PAYEE_IBAN, "Payee Example"))
    await house.step(SEPA)
    (file,) = (house.devnet.bank_folder / "out").glob("*.xml")
    raw = file.read_bytes()
    etree.XMLSchema(etree.parse(PAYOUT_SCHEMA)).assertValid(etree.fromstring(raw))
    order = read_order(raw)
    assert order is not None
    assert [(line.units, line.iban, line.name) for line in order.lines] == [(6_000, PAYEE_IBAN, "Payee Example")]
    file.rename(house.devnet.folder / "taken.xml")
    for _ in range(3):
        await house.step(SEPA)
    assert not list((house.devnet.bank_folder / "out").glob("*.xml"))
    assert [row["state"] for row in await house.withdrawals()] == ["submitted"]
    (house.devnet.folder / "taken.xml").rename(file)
    await house.settled()
    assert [row["state"] for row in await house.withdrawals()] == ["final"]
    assert executed_orders(house) == [order]
    assert await figures(house, alice, "EUR") == (4_000, 0)
    await house.prove()
