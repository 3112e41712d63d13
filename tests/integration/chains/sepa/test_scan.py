"""Accepted statements as blocks: what each movement becomes."""

import pytest

from tests.integration.chains.sepa.desk import Desk
from tests.unit.chains.sepa.material import IBAN, OTHER_IBAN, detail, document, entry, statement
from wallet.money import Amount
from wallet.ports import Block, BlockVanished, Branch, Incoming, NetworkMismatch, Party

WITHDRAWAL = "wdr-01jd0000000000000000000001"


class Days:
    """A bank account day by day: each call is the next statement, with the balances that its entries make."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.number = 0
        self.cents = 0

    async def day(self, moved: int, *entries: str) -> Block:
        self.number += 1
        opening, self.cents = self.cents, self.cents + moved
        raw = document(statement(_euro(opening), _euro(self.cents), *entries, number=self.number))
        self.desk.drop(f"{self.number}.xml", raw)
        assert (await self.desk.network.tip()).height == self.number, self.desk.told
        (block,) = [block async for block in self.desk.network.blocks(self.number, self.number)]
        return block


def _euro(cents: int) -> str:
    sign, cents = ("-" if cents < 0 else ""), abs(cents)
    return f"{sign}{cents // 100}.{cents % 100:02d}"


@pytest.fixture
def days(desk: Desk) -> Days:
    return Days(desk)


@pytest.fixture
def reference(desk: Desk) -> str:
    address = desk.network.derive(Branch.DEPOSIT, 42).address
    desk.book.addresses.add(address)
    return address


async def test_a_payment_with_our_reference_arrives_at_it_with_its_payer(days: Days, reference: str) -> None:
    details = detail("5.00", text=f"hello {reference.lower()}", debtor="Ada Lovelace", debtor_iban=OTHER_IBAN)
    block = await days.day(500, entry("5.00", reference="A1", details=details))
    assert block.incoming == (
        Incoming(
            identity=f"{IBAN}:A1:0",
            address=reference,
            amount=Amount(500, days.desk.network.fee_asset),
            tx="S-2026-03-02-1:0",
            party=Party("Ada Lovelace", OTHER_IBAN),
            text=f"hello {reference.lower()}",
        ),
    )
    assert (block.height, block.outgoing) == (1, ())
    assert block.ref == await days.desk.network.block_ref(1)


async def test_a_reference_in_the_structured_field_counts(days: Days, reference: str) -> None:
    block = await days.day(500, entry("5.00", details=detail("5.00", creditor_reference=reference)))
    assert block.incoming[0].address == reference


async def test_a_reference_that_was_never_handed_out_is_nobodys(days: Days, reference: str) -> None:
    stranger = days.desk.network.derive(Branch.DEPOSIT, 43).address
    block = await days.day(500, entry("5.00", text=f"{stranger} please"))
    assert (block.incoming[0].address, block.incoming[0].doubt) == (None, None)
    mixed = await days.day(500, entry("5.00", text=f"{stranger} or {reference}"))
    assert (mixed.incoming[0].address, mixed.incoming[0].doubt) == (reference, None)


async def test_two_customers_references_in_one_payment_are_ambiguous(days: Days, reference: str) -> None:
    other = days.desk.network.derive(Branch.DEPOSIT, 7).address
    days.desk.book.addresses.add(other)
    block = await days.day(500, entry("5.00", text=f"{other} {reference} {reference}"))
    assert (block.incoming[0].address, block.incoming[0].doubt) == (None, "ambiguous_reference")


async def test_a_batch_credits_each_of_its_details(days: Days, reference: str) -> None:
    other = days.desk.network.derive(Branch.DEPOSIT, 7).address
    days.desk.book.addresses.add(other)
    details = detail("1.00", text=reference) + detail("2.00", text=other)
    block = await days.day(300, entry("3.00", reference="B", details=details))
    assert [(each.identity, each.address, each.amount.units) for each in block.incoming] == [
        (f"{IBAN}:B:0", reference, 100),
        (f"{IBAN}:B:1", other, 200),
    ]


async def test_a_batch_whose_details_disagree_is_one_arrival_in_doubt(days: Days, reference: str) -> None:
    details = detail("1.00", text=reference) + detail("1.00", text=reference)
    block = await days.day(300, entry("3.00", reference="B", details=details))
    (only,) = block.incoming
    assert (only.amount.units, only.address, only.doubt) == (300, None, "details_disagree")


async def test_dpe_09_a_pending_entry_keeps_its_identity_when_it_is_booked(days: Days, reference: str) -> None:
    announced = await days.day(0, entry("5.00", reference="A1", state="PDNG", text=reference))
    booked = await days.day(500, entry("5.00", reference="A1", text=reference))
    assert [(each.booked, each.address) for each in announced.incoming + booked.incoming] == [
        (False, reference),
        (True, reference),
    ]
    assert announced.incoming[0].identity == booked.incoming[0].identity
    late = await days.day(0, entry("5.00", reference="A1", state="PDNG", text=reference))
    assert late.incoming == (), "what is booked is announced no more"


async def test_a_reference_that_the_bank_uses_again_is_other_money(days: Days) -> None:
    first = await days.day(300, entry("1.00", reference="SAME"), entry("2.00", reference="SAME"))
    second = await days.day(100, entry("1.00", reference="SAME"))
    identities = [each.identity for each in first.incoming + second.incoming]
    assert identities == [f"{IBAN}:SAME:0", f"{IBAN}:SAME#1.1:0", f"{IBAN}:SAME#2.0:0"]


async def test_entries_without_a_reference_or_numbered_anew_each_day_never_collide(days: Days) -> None:
    blocks = [
        await days.day(400, *(entry("1.00", number=number, reference=reference) for number, reference in KINDS))
        for _ in range(3)
    ]
    identities = [each.identity for block in blocks for each in block.incoming]
    assert len(set(identities)) == len(identities) == 12


KINDS = (("1", None), (None, None), ("1", "NONREF"), ("2", "000"))


async def test_identities_are_the_same_after_a_restart(days: Days) -> None:
    for _ in range(3):
        await days.day(100, entry("1.00", reference="SAME"))
    again = Desk(days.desk.folder, days.desk.store)
    assert [block async for block in again.network.blocks(2, 3)] == [
        block async for block in days.desk.network.blocks(2, 3)
    ]


async def test_a_payout_that_comes_back_is_in_doubt_and_names_what_came_back(days: Days, reference: str) -> None:
    details = detail("5.00", end_to_end=WITHDRAWAL, returned=True, text=f"AC04 {reference}")
    block = await days.day(500, entry("5.00", code="ICDT/RRTN", details=details))
    (only,) = block.incoming
    assert (only.address, only.doubt) == (None, "returned_payout")
    assert only.text is not None
    assert only.text.startswith(WITHDRAWAL)
    assert only.returns == WITHDRAWAL.lower().replace("-", "_", 1)


async def test_whoever_quotes_a_payout_of_ours_has_not_sent_it_back(days: Days) -> None:
    """Payers choose their references: only the bank's own word makes a return of it."""
    block = await days.day(500, entry("5.00", details=detail("5.00", end_to_end=WITHDRAWAL)))
    (only,) = block.incoming
    assert (only.doubt, only.returns) == ("returned_payout", None)


async def test_debits_that_we_did_not_order_are_told_with_their_reason(days: Days) -> None:
    block = await days.day(
        -1500,
        entry("1.00", credit=False, code="CCRD/CHRG"),
        entry("2.00", credit=False, code="RDDT/ESDD"),
        entry("3.00", credit=False, reversal=True),
        entry("4.00", credit=False, code="ICDT/ESCT", details=detail("4.00", end_to_end="RENT")),
        entry("5.00", credit=False, code="ICDT/ESCT", details=detail("5.00", end_to_end=WITHDRAWAL)),
        entry("6.00", credit=False, state="PDNG"),
    )
    assert [(each.amount.units, each.reason, each.charge) for each in block.outgoing] == [
        (100, "charge", True),
        (200, "direct_debit", False),
        (300, "reversal_of_credit", False),
        (400, "debit", False),
    ]


async def test_a_payout_that_the_bank_books_twice_is_told_the_second_time(days: Days) -> None:
    paid = entry("5.00", credit=False, details=detail("5.00", end_to_end=WITHDRAWAL))
    assert (await days.day(-500, paid)).outgoing == ()
    assert [each.reason for each in (await days.day(-500, paid)).outgoing] == ["paid_twice"]


async def test_what_comes_in_and_goes_out_is_what_the_balance_moved(days: Days, reference: str) -> None:
    block = await days.day(
        450,
        entry("6.00", details=detail("7.00", text=reference) + detail("1.00", credit=False)),
        entry("1.50", credit=False, code="CCRD/CHRG"),
        entry("9.99", state="PDNG"),
        entry("0.00"),
    )
    arrived = sum(each.amount.units for each in block.incoming if each.booked)
    assert arrived - sum(each.amount.units for each in block.outgoing) == 450


async def test_blocks_come_in_order_each_on_its_parent_and_none_is_skipped(days: Days) -> None:
    for _ in range(4):
        await days.day(100, entry("1.00"))
    blocks = [block async for block in days.desk.network.blocks(1, 4)]
    assert [block.height for block in blocks] == [1, 2, 3, 4]
    below = await days.desk.network.block_ref(0)
    for block in blocks:
        assert below is not None
        assert block.parent == below.id
        below = block.ref
    with pytest.raises(BlockVanished):
        _ = [block async for block in days.desk.network.blocks(4, 5)]


async def test_a_stored_file_that_was_changed_is_not_believed(days: Days) -> None:
    await days.day(100, entry("1.00"))
    accepted, raw = days.desk.store.rows[0]
    again = Desk(days.desk.folder, days.desk.store)
    again.store.rows[0] = (accepted, raw.replace(b"1.00", b"9.00"))
    with pytest.raises(NetworkMismatch):
        _ = [block async for block in again.network.blocks(1, 1)]
