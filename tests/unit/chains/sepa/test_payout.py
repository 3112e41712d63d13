"""The payout file: lawful, deterministic, and read back without a gap."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chains.sepa.build import Debtor, build
from chains.sepa.decode import decode
from chains.sepa.payout import PAYMENT_UNITS_MAX, render
from tests.unit.chains.sepa.material import ACCOUNT, EUR, IBAN, OTHER_IBAN
from wallet.money import Amount, Asset
from wallet.ports import Destination, FileSource, Instruction, Unsigned

SOURCE = FileSource("sub_01jd0000000000000000000000", datetime(2026, 3, 2, 9, 30, 15, 999, tzinfo=UTC))
DEBTOR = Debtor(ACCOUNT, "COBADEFFXXX", "Coffer Customers' Funds")


def pay(units: int = 1250, reference: str = "wdr_01jd0000000000000000000001", **changes: object) -> Instruction:
    given = {"reference": reference, "destination": Destination(OTHER_IBAN, "Ada O'Neil"), "amount": Amount(units, EUR)}
    return Instruction(**{**given, **changes})  # type: ignore[arg-type]


def built(*instructions: Instruction, source: FileSource = SOURCE) -> Unsigned:
    return build(instructions or [pay()], source, DEBTOR)


def test_a_payout_file_says_what_was_instructed() -> None:
    unsigned = built(pay(), pay(1, "wdr_01jd0000000000000000000002"))
    file = decode(unsigned.payload)
    assert (file.message_id, file.debtor_iban, file.debtor_bic) == (
        "sub-01jd0000000000000000000000",
        IBAN,
        "COBADEFFXXX",
    )
    assert file.created_at == datetime(2026, 3, 2, 9, 30, 15, tzinfo=UTC)
    assert [(each.end_to_end, each.iban, each.name, each.units) for each in file.payments] == [
        ("wdr-01jd0000000000000000000001", OTHER_IBAN, "Ada O'Neil", 1250),
        ("wdr-01jd0000000000000000000002", OTHER_IBAN, "Ada O'Neil", 1),
    ]
    assert (file.control_units, file.currency) == (1251, "EUR")
    assert unsigned.consumes == (SOURCE.message_id,)
    assert unsigned.fee_max == Amount(0, EUR)


def test_equal_instructions_give_equal_bytes() -> None:
    assert built().payload == built().payload


def test_a_bank_known_by_iban_alone_needs_no_bic() -> None:
    unsigned = build([pay()], SOURCE, replace(DEBTOR, bic=None))
    assert b"NOTPROVIDED" in unsigned.payload
    assert decode(unsigned.payload).debtor_bic is None


@pytest.mark.parametrize(
    "instruction",
    [
        pay(0),
        pay(PAYMENT_UNITS_MAX + 1),
        pay(amount=Amount(1, Asset("USD", 2))),
        pay(destination=Destination(IBAN, "Ada")),
        pay(destination=Destination(OTHER_IBAN, None)),
        pay(destination=Destination(OTHER_IBAN, "A <b>")),
        pay(destination=Destination("NL91ABNA0417164301", "Ada")),
        pay(reference=""),
        pay(reference="wdr_" + "0" * 32),
        pay(reference="../wdr"),
        pay(reference="wdr 1"),
    ],
)
def test_an_unlawful_instruction_is_refused(instruction: Instruction) -> None:
    with pytest.raises(ValueError, match=r"."):
        built(instruction)


@pytest.mark.parametrize("message_id", ["", "../../etc/passwd", "a/b", ".hidden", "-x", "x" * 36, "ä"])
def test_a_message_id_that_is_no_plain_name_is_refused(message_id: str) -> None:
    with pytest.raises(ValueError, match="reference at a bank"):
        built(source=replace(SOURCE, message_id=message_id))


def test_one_reference_cannot_be_paid_twice_in_a_file() -> None:
    with pytest.raises(ValueError, match="same reference"):
        built(pay(), pay())
    with pytest.raises(ValueError, match="1 to"):
        build([], SOURCE, DEBTOR)


@pytest.mark.parametrize(
    ("found", "put"),
    [
        ("<CtrlSum>12.50", "<CtrlSum>12.51"),
        ("<NbOfTxs>1", "<NbOfTxs>2"),
        ('Ccy="EUR"', 'Ccy="USD"'),
        ("<BtchBookg>false", "<BtchBookg>true"),
        ("<Cd>SEPA", "<Cd>URGP"),
        ("SLEV", "DEBT"),
        ("12.50</InstdAmt>", "12.5</InstdAmt>"),
        ("12.50</InstdAmt>", "012.50</InstdAmt>"),
        ("  <CstmrCdt", " <CstmrCdt"),
        ("<ChrgBr>", "<!-- hidden --><ChrgBr>"),
        ("</CdtrAcct>", "</CdtrAcct><RmtInf><Ustrd>more</Ustrd></RmtInf>"),
        ("<Cdtr><Nm>", "<CdtrAgt><FinInstnId><BICFI>ABNANL2A</BICFI></FinInstnId></CdtrAgt><Cdtr><Nm>"),
        ("<Dt>2026-03-02</Dt>", "<Dt>2036-03-02</Dt>"),
        ("<PmtMtd>TRF", "<PmtMtd>TRA"),
        ("</Document>\n", "</Document>\n\n"),
        ("wdr-01jd", "../01jd"),
        ("<PmtInfId>sub", "<PmtInfId>sus"),
        (">Ada O'Neil<", ">Ada O&apos;Neil<"),
    ],
)
def test_a_file_with_anything_that_we_do_not_write_is_refused(found: str, put: str) -> None:
    text = built().payload.decode()
    assert found in text
    with pytest.raises(ValueError, match=r"."):
        decode(text.replace(found, put, 1).encode())


def test_no_single_changed_byte_goes_unnoticed() -> None:
    """Whatever one byte is changed to: refused, or another file than before."""
    payload = built().payload
    before = decode(payload)
    for place in range(0, len(payload), 7):
        changed = bytearray(payload)
        changed[place] ^= 0x01
        try:
            after = decode(bytes(changed))
        except ValueError:
            continue
        assert after != before
        assert render(after) == bytes(changed)
