"""Personal data that went in everywhere is in the vault's sealed items alone; and erased, it is nowhere."""

import base64
import secrets
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from node.database import Dsns
from tests.scenario.house import SEPA, House
from tests.scenario.paid_in import credited, figures
from wallet import schema
from wallet.context import Record
from wallet.customers.create import create_customer, find_customer, reveal_customer
from wallet.customers.erase import erase_customer
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.money import parse_amount
from wallet.payments.send import send_payment
from wallet.ports import Destination
from wallet.vault.items import PersonErased
from wallet.vault.vault import RevealPurpose

NAME = "Wilhelmina Kanarienvogel"
EMAIL = "kanarienvogel.7731@example.invalid"
NOTE = "for the yellow feathers, 7731"
PAYER = "Eusebius Quetzalcoatl"
PAYER_IBAN = "DE75512108001245126199"
TEXT = "plumage rent of the seventh"
PAYEE = "Philippa Zaunkoenigin"
PAYEE_IBAN = "DE02120300000000202051"
CANARIES = (NAME, EMAIL, NOTE, PAYER, PAYER_IBAN, TEXT, PAYEE, PAYEE_IBAN)
_TABLES = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'"


def spellings(canary: str) -> Iterator[bytes]:
    """The ways in which a text ends up in files and columns by mistake."""
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        raw = canary.encode(encoding)
        yield from (raw, raw.hex().encode(), raw.hex().upper().encode())
        for shift in range(3):  # base64 of a text depends on where in its group of three it begins
            whole = base64.b64encode(b"\0" * shift + raw)
            yield whole[4:-4]


def found_in(place: str, content: bytes, canaries: tuple[str, ...] = CANARIES) -> list[str]:
    return [f"{canary} in {place}" for canary in canaries if any(way in content for way in spellings(canary))]


async def found_in_database(dsns: Dsns) -> list[str]:
    """Every row of every table as text; what is bytes is there in hex, and looked at as bytes as well."""
    connection = await asyncpg.connect(dsns.owner)
    try:
        found = []
        for (table,) in await connection.fetch(_TABLES):
            for (row,) in await connection.fetch(f"SELECT to_jsonb(t)::text FROM {table} t"):
                found += found_in(table, row.encode())
                found += found_in(table, b"\n".join(bytes_of(row)))
        return found
    finally:
        await connection.close()


def bytes_of(row: str) -> Iterator[bytes]:
    for part in row.split('"\\\\x')[1:]:
        yield bytes.fromhex(part.partition('"')[0])


def found_in_files(folder: Path) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.name.startswith("memory") for path in files), "the signer's memory is not where we look"
    return [hit for path in files for hit in found_in(path.name, path.read_bytes())]


async def canaries_everywhere(house: House) -> CustomerId:
    """A customer, a payer, a payee, a note: all that names people goes in, and through the bank out again."""
    handle = f"canary_{secrets.token_hex(3)}"
    alice = CustomerId(str((await create_customer(house.context, "test", handle, NAME, EMAIL)).result["id"]))
    bob = await house.customer("bob")
    reference = await house.address(alice, SEPA)
    house.devnet.bank.pay_in(PAYER, PAYER_IBAN, 50_000, f"{TEXT} {reference}")
    house.devnet.bank.pay_in(PAYER, PAYER_IBAN, 700, TEXT)
    await credited(house, alice, "EUR", "500")
    amount = parse_amount("10", house.context.asset("EUR"))
    await send_payment(house.context, "test", alice, bob, amount, NOTE, Request(alice, "payment.send", "1", b"test"))
    await house.withdraw(alice, SEPA, "EUR", "40", Destination(PAYEE_IBAN, PAYEE))
    await house.settled()
    assert [row["state"] for row in await house.withdrawals()] == ["final"]
    return alice


async def sealed_items(house: House, person: str) -> list[Record]:
    rows = await house.rows(schema.vault_items)
    return [row for row in rows if row["person"] == person]


async def test_pii_01_personal_data_is_in_no_row_no_file_and_no_log_in_clear(
    house: House, dsns: Dsns, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    alice = await canaries_everywhere(house)
    written = capfd.readouterr()
    said = (written.out + written.err).encode()
    assert b"vault_item_revealed" in said, "the log is not where we look"
    assert found_in("the log", said) == []
    assert found_in_files(tmp_path / "node") == []
    assert await found_in_database(dsns) == []
    kept = {row["kind"] for row in await house.rows(schema.vault_items)}
    assert kept == {"name", "email", "note", "party", "destination", "statement_file", "payout_file"}
    row = await find_customer(house.context, alice)
    shown = await reveal_customer(house.context, row, RevealPurpose.SHOW_TO_OWNER)
    assert (shown["name"], shown["email"]) == (NAME, EMAIL)


@pytest.mark.parametrize("column", ["reason", "facts"])
async def test_the_search_finds_what_lies_in_clear(house: House, dsns: Dsns, tmp_path: Path, column: str) -> None:
    """The search of the test above, shown something to find: in text, in bytes, and in a file."""
    assert await found_in_database(dsns) == []
    connection = await asyncpg.connect(dsns.owner)
    try:
        planted = base64.b64encode(b"x" + NAME.encode()).decode() if column == "facts" else NAME
        await connection.execute(
            "INSERT INTO notices (id, source, subject, state, reason, at) VALUES ('x', 's', 't', 'u', $1, now())",
            planted,
        )
        sealed = "INSERT INTO vault_items (id, person, kind, commitment, ciphertext) VALUES ('y', 'p', 'name', $1, $2)"
        await connection.execute(sealed, b"c", b"\x00" + EMAIL.encode("utf-16-le"))
    finally:
        await connection.close()
    found = await found_in_database(dsns)
    assert {hit.partition(" in ")[0] for hit in found} == {NAME, EMAIL}
    (tmp_path / "node" / "slip").write_bytes(PAYEE_IBAN.encode().hex().encode())
    assert found_in_files(tmp_path / "node") == [f"{PAYEE_IBAN} in slip"]


async def test_an_erased_customer_cannot_be_revealed_and_the_books_still_prove(house: House) -> None:
    alice = await canaries_everywhere(house)
    await erase_customer(house.context, "test", alice)
    row = await find_customer(house.context, alice)
    with pytest.raises(PersonErased):
        await reveal_customer(house.context, row, RevealPurpose.SHOW_TO_OPERATOR)
    items = await sealed_items(house, alice)
    assert items
    assert all(item["ciphertext"] is None for item in items)
    assert await figures(house, alice, "EUR") == (45_000, 0)
    await house.prove()
