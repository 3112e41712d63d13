"""The whole round with the development bank: money in, payout file out, booked, final."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from node.devnet.bank import DevelopmentBank
from tests.integration.chains.sepa.desk import Desk, signed
from tests.unit.chains.sepa.material import EUR, IBAN, OTHER_IBAN
from wallet.money import Amount
from wallet.ports import Branch, Destination, Fate, FileSource, Instruction, Party, SubmissionRef

SCHEMAS = Path(__file__).parents[4] / "chains/sepa/vendor"
FIRST, SECOND = "wdr_01jd0000000000000000000001", "wdr_01jd0000000000000000000002"


def bank_at(folder: Path, **options: object) -> DevelopmentBank:
    return DevelopmentBank(folder, folder / "bank", iban=IBAN, **options)  # type: ignore[arg-type]


@pytest.fixture
async def bank(desk: Desk) -> AsyncIterator[DevelopmentBank]:
    made = bank_at(desk.folder)
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def submitted(desk: Desk, *references: str, message: str = "sub_01jd0000000000000000000000") -> SubmissionRef:
    pay = [Instruction(each, Destination(OTHER_IBAN, "Ada"), Amount(150, EUR)) for each in references]
    unsigned = await desk.network.build(
        pay, FileSource(message, datetime.now(UTC)), await desk.network.estimate_fee(EUR)
    )
    ref = signed(unsigned, references)
    await desk.network.prepare(ref)
    await desk.network.submit(ref)
    return ref


@pytest.mark.parametrize("version", ["02", "03", "08"])
@pytest.mark.parametrize("batch", [False, True])
async def test_every_statement_is_valid_by_its_schema_and_says_what_happened(
    desk: Desk, version: str, batch: bool
) -> None:
    bank = bank_at(desk.folder, version=version, batch=batch)
    reference = desk.network.derive(Branch.DEPOSIT, 1).address
    desk.book.addresses.add(reference)
    bank.pay_in("Ada & Sons <Ltd>", OTHER_IBAN, 50_000, f"pay {reference}")
    bank.charge(25)
    schema = etree.XMLSchema(etree.parse(SCHEMAS / f"camt.053.001.{version}.xsd"))
    for path in (desk.folder / "in").glob("*.xml"):
        assert schema.validate(etree.parse(path)), schema.error_log
    await desk.until_height(2)
    ref = await submitted(desk, FIRST, SECOND)
    bank.work()
    tip = await desk.until_height(3)
    blocks = [block async for block in desk.network.blocks(1, 3)]
    (arrival,) = blocks[0].incoming
    assert (arrival.address, arrival.amount.units, arrival.party) == (
        reference,
        50_000,
        Party("Ada & Sons <Ltd>", OTHER_IBAN),
    )
    assert [(each.amount.units, each.charge) for each in blocks[1].outgoing] == [(25, True)]
    assert (blocks[2].incoming, blocks[2].outgoing) == ((), ())
    assert (await desk.network.status(ref)).fate is Fate.FINAL
    assert (await desk.network.observe([], tip)).units == {"EUR": 50_000 - 25 - 300}


async def test_the_bank_takes_the_file_away_and_answers_by_itself(desk: Desk, bank: DevelopmentBank) -> None:
    bank.pay_in("Ada", OTHER_IBAN, 1000, "")
    await desk.until_height(1)
    ref = await submitted(desk, FIRST)
    await desk.until_height(2)
    assert (await desk.network.status(ref)).fate is Fate.FINAL
    assert desk.files("out") == []


async def test_a_pending_payment_is_announced_and_then_booked_once(desk: Desk) -> None:
    bank = bank_at(desk.folder)
    announced = bank.pay_in("Ada", OTHER_IBAN, 1000, "hello", booked=False)
    bank.book(announced, "Ada", OTHER_IBAN, 1000, "hello")
    tip = await desk.until_height(2)
    blocks = [block async for block in desk.network.blocks(1, 2)]
    (first,), (second,) = (block.incoming for block in blocks)
    assert (first.booked, second.booked, first.identity) == (False, True, second.identity)
    assert (await desk.network.observe([], tip)).units == {"EUR": 1000}


async def test_the_bank_survives_a_restart_and_executes_a_file_once(desk: Desk) -> None:
    bank_at(desk.folder).pay_in("Ada", OTHER_IBAN, 1000, "")
    await desk.until_height(1)
    await submitted(desk, FIRST)
    (payout,) = (desk.folder / "out").iterdir()
    raw = payout.read_bytes()
    bank_at(desk.folder).work()
    payout.write_bytes(raw)
    bank_at(desk.folder).work()
    bank_at(desk.folder).pay_in("Ada", OTHER_IBAN, 1, "")
    tip = await desk.until_height(3)
    assert (await desk.network.observe([], tip)).units == {"EUR": 1000 - 150 + 1}
    assert desk.files("out") == []


async def test_a_statement_written_into_the_books_is_delivered_after_a_kill(desk: Desk, tmp_path: Path) -> None:
    bank = bank_at(desk.folder)
    blocked = desk.folder / "in"
    blocked.rename(tmp_path / "away")
    with pytest.raises(FileNotFoundError):
        bank.pay_in("Ada", OTHER_IBAN, 1000, "")
    (tmp_path / "away").rename(blocked)
    bank_at(desk.folder).work()
    await desk.until_height(1)


@pytest.mark.parametrize(
    "change",
    [
        (b"", b""),
        (b"150", b"1.50"),
        (b"<NbOfTxs>1", b"<NbOfTxs>2"),
        (b"<CtrlSum>1.50", b"<CtrlSum>1.51"),
        (b"TRF", b"XXX"),
    ],
)
async def test_a_file_that_is_unlawful_or_above_the_balance_is_put_aside(
    desk: Desk, change: tuple[bytes, bytes]
) -> None:
    bank = bank_at(desk.folder)
    if change[0]:
        bank.pay_in("Ada", OTHER_IBAN, 100, "")
    await submitted(desk, FIRST)
    (payout,) = (desk.folder / "out").iterdir()
    payout.write_bytes(payout.read_bytes().replace(*change) if change[0] else payout.read_bytes())
    bank.work()
    assert desk.files("out") == []
    assert desk.files("bank/rejected") == [payout.name]
