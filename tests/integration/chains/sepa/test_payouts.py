"""A payout file on its way: staged, released once, booked. Every crash in between."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chains.sepa.statements import NoticeState
from chains.sepa.submit import PayoutTray
from tests.integration.chains.sepa.desk import Desk, signed
from tests.unit.chains.sepa.material import EUR, OTHER_IBAN, detail, document, entry, statement
from wallet.money import Amount
from wallet.ports import (
    Destination,
    Fate,
    FileSource,
    Instruction,
    NetworkRejected,
    NetworkUnreachable,
    NonceSource,
    SubmissionRef,
)

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
FIRST, SECOND = "wdr_01jd0000000000000000000001", "wdr_01jd0000000000000000000002"
MESSAGE = "sub_01jd0000000000000000000000"
FILE = "sub-01jd0000000000000000000000.xml"


async def submission(desk: Desk, *references: str, units: int = 500, message: str = MESSAGE) -> SubmissionRef:
    names = references or (FIRST,)
    pay = [Instruction(name, Destination(OTHER_IBAN, "Ada"), Amount(units, EUR)) for name in names]
    fee = await desk.network.estimate_fee(EUR)
    return signed(await desk.network.build(pay, FileSource(message, AT), fee), names)


async def fate(desk: Desk, ref: SubmissionRef) -> Fate:
    return (await desk.network.status(ref)).fate


async def test_a_payout_file_is_staged_then_released_by_one_rename(desk: Desk) -> None:
    ref = await submission(desk)
    assert await fate(desk, ref) is Fate.UNKNOWN
    await desk.network.prepare(ref)
    assert desk.files("out") == []
    assert await fate(desk, ref) is Fate.UNKNOWN
    await desk.network.submit(ref)
    assert desk.files("out") == [FILE]
    assert (desk.folder / "out" / FILE).read_bytes() == ref.payload[64:]
    assert await fate(desk, ref) is Fate.PENDING


async def test_wdr_01_a_file_that_the_bank_took_is_never_written_again(desk: Desk) -> None:
    ref = await submission(desk)
    await desk.network.prepare(ref)
    await desk.network.submit(ref)
    (desk.folder / "out" / FILE).unlink()
    for _ in range(2):
        again = Desk(desk.folder)
        await again.network.prepare(ref)
        await again.network.submit(ref)
        assert again.files("out") == []
        assert await fate(again, ref) is Fate.PENDING


async def test_preparing_and_submitting_twice_changes_nothing(desk: Desk) -> None:
    ref = await submission(desk)
    for _ in range(2):
        await desk.network.prepare(ref)
    for _ in range(2):
        await desk.network.submit(ref)
    assert desk.files("out") == [FILE]


async def test_a_crash_between_the_mark_and_the_rename_loses_no_payment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = await submission(desk)
    await desk.network.prepare(ref)

    class PowerCut(BaseException):
        pass

    def cut(*_: object) -> None:
        raise PowerCut

    with monkeypatch.context() as patched:
        patched.setattr("chains.sepa.submit.os.rename", cut)
        with pytest.raises(PowerCut):
            PayoutTray(desk.folder).release(FILE.removesuffix(".xml"), ref.payload[64:])
    assert (desk.folder / ".staged" / FILE.replace(".xml", ".left")).exists()
    again = Desk(desk.folder)
    await again.network.prepare(ref)
    await again.network.submit(ref)
    assert again.files("out") == [FILE]


async def test_where_no_trace_tells_whether_the_file_left_it_is_uncertain_and_not_sent(desk: Desk) -> None:
    ref = await submission(desk)
    with pytest.raises(NetworkUnreachable, match="neither staged nor known"):
        await desk.network.submit(ref)
    assert desk.files("out") == []
    assert await fate(desk, ref) is Fate.UNKNOWN


async def test_one_message_id_is_never_used_for_two_files(desk: Desk) -> None:
    one, other = await submission(desk), await submission(desk, SECOND)
    await desk.network.prepare(one)
    with pytest.raises(NetworkRejected, match="another payout file"):
        await desk.network.prepare(other)
    await desk.network.submit(one)
    with pytest.raises(NetworkRejected, match="another payout file"):
        await desk.network.submit(other)
    (desk.folder / "out" / FILE).unlink()
    with pytest.raises(NetworkRejected, match="another payout file"):
        await desk.network.prepare(other)
    assert desk.files("out") == []


async def test_nothing_leaves_without_the_payout_keys_signature(desk: Desk) -> None:
    ref = await submission(desk)
    xml = ref.payload[64:]
    stranger = Ed25519PrivateKey.generate()
    forged = [
        replace(ref, payload=b"\x00" * 64 + xml),
        replace(ref, payload=stranger.sign(b"coffer/payout-file/1") + xml),
        replace(ref, payload=ref.payload.replace(b"5.00", b"9.00")),
        replace(ref, payload=b""),
        replace(ref, payload=xml),
        replace(ref, tx="0" * 64),
        replace(ref, consumes=("sub_other",)),
        replace(ref, consumes=()),
    ]
    for each in forged:
        for step in (desk.network.prepare, desk.network.submit):
            with pytest.raises(NetworkRejected):
                await step(each)
    assert desk.files("out") == desk.files(".staged") == []


async def test_a_signature_for_anything_else_is_none_for_a_payout_file(desk: Desk) -> None:
    ref = await submission(desk)
    key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    with pytest.raises(NetworkRejected):
        await desk.network.prepare(replace(ref, payload=key.sign(ref.payload[64:]) + ref.payload[64:]))


async def test_a_folder_that_cannot_be_used_is_unreachable_not_rejected(desk: Desk) -> None:
    ref = await submission(desk)
    await desk.network.prepare(ref)
    shutil.rmtree(desk.folder / "out")
    shutil.rmtree(desk.folder / "in")
    with pytest.raises(NetworkUnreachable):
        await desk.network.submit(ref)
    with pytest.raises(NetworkUnreachable):
        await desk.network.tip()
    (desk.folder / "out").mkdir()
    await desk.network.submit(ref)
    assert desk.files("out") == [FILE]


async def test_only_a_file_source_makes_a_payout_file(desk: Desk) -> None:
    with pytest.raises(TypeError, match="message id"):
        await desk.network.build([], NonceSource("0x", "m", 0), await desk.network.estimate_fee(EUR))


async def test_what_is_shown_of_a_payout_file_names_nobody(desk: Desk) -> None:
    ref = await submission(desk, FIRST, SECOND)
    shown = desk.network.show(ref.payload)
    assert shown == desk.network.show(ref.payload[64:])
    assert (shown["total"], len(str(shown["sha256"]))) == ("10.00 EUR", 64)
    assert not any(secret in str(shown) for secret in ("Ada", OTHER_IBAN))


# ── what the bank made of it ─────────────────────────────────────────────────────────────────────────────────────────


async def released(desk: Desk, *references: str) -> SubmissionRef:
    ref = await submission(desk, *references)
    await desk.network.prepare(ref)
    await desk.network.submit(ref)
    (desk.folder / "out" / FILE).unlink()
    return ref


def debit(amount: str, reference: str) -> str:
    return entry(amount, credit=False, details=detail(amount, end_to_end=reference.replace("_", "-")))


def state(desk: Desk, opening: str, closing: str, *entries: str, number: int = 1) -> Path:
    return desk.drop(f"{number}.xml", document(statement(opening, closing, *entries, number=number)))


async def test_a_payout_is_final_with_the_statement_that_books_it(desk: Desk) -> None:
    ref = await released(desk)
    state(desk, "0.00", "-5.00", debit("5.00", FIRST))
    tip = await desk.network.tip()
    status = await desk.network.status(ref)
    assert (status.fate, status.block, status.fee_paid, status.succeeded) == (Fate.FINAL, tip, Amount(0, EUR), True)


async def test_a_file_of_two_payments_is_final_when_both_are_booked(desk: Desk) -> None:
    ref = await released(desk, FIRST, SECOND)
    state(desk, "0.00", "-5.00", debit("5.00", FIRST))
    await desk.network.tip()
    assert await fate(desk, ref) is Fate.PENDING
    state(desk, "-5.00", "-10.00", debit("5.00", SECOND), number=2)
    tip = await desk.network.tip()
    status = await desk.network.status(ref)
    assert (status.fate, status.block) == (Fate.FINAL, tip)


async def test_a_file_booked_as_one_sum_is_final_by_its_message_id(desk: Desk) -> None:
    ref = await released(desk, FIRST, SECOND)
    state(desk, "0.00", "-10.00", entry("10.00", credit=False, batch=FILE.removesuffix(".xml")))
    await desk.network.tip()
    assert await fate(desk, ref) is Fate.FINAL


@pytest.mark.parametrize(
    ("closing", "entries"),
    [
        ("-5.01", (debit("5.01", FIRST),)),
        ("-4.99", (debit("4.99", FIRST),)),
        ("-10.00", (debit("5.00", FIRST), debit("5.00", FIRST))),
    ],
)
async def test_a_booking_that_differs_from_the_order_is_unknown_and_told(
    desk: Desk, closing: str, entries: tuple[str, ...]
) -> None:
    ref = await released(desk)
    state(desk, "0.00", closing, *entries)
    await desk.network.tip()
    for _ in range(2):
        assert await fate(desk, ref) is Fate.UNKNOWN
    assert [notice.state for notice in desk.told].count(NoticeState.DISAGREES) == 1


async def test_neither_a_credit_nor_a_pending_debit_nor_a_reversal_is_the_payment(desk: Desk) -> None:
    ref = await released(desk)
    named = detail("5.00", end_to_end=FIRST.replace("_", "-"))
    state(
        desk,
        "0.00",
        "0.00",
        entry("5.00", details=named),
        entry("5.00", credit=False, reversal=True, details=named),
        entry("5.00", credit=False, state="PDNG", details=named),
    )
    await desk.network.tip()
    assert await fate(desk, ref) is Fate.PENDING
