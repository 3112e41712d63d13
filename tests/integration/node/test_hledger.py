"""`coffer export --format hledger`: hledger itself reports our balances to the last unit, and proves each step to them."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.commands.export import export, read_wanted
from node.database import Dsns
from tests.fakes.world import ASSETS, World, running_world
from tests.hledger import HledgerRefused, balances, hledger
from tests.integration.wallet.changes import ETH, EUR, connected, credited
from tests.integration.wallet.movements.busy import HUGE, PLATFORM, STRANGER, be_busy, open_customers
from wallet.exports.hledger import account_name
from wallet.ledger.accounts import customer_balance
from wallet.money import UNITS_MAX, format_units
from wallet.movements import chunks


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    """With an account that holds as much as an account can."""
    async with running_world(dsns, tmp_path) as made:
        await open_customers(made, 3)
        await be_busy(made, 3, rounds=12)
        row = "SELECT (credits_posted - debits_posted)::text FROM accounts WHERE id = $1"
        async with connected(dsns.books) as books:
            there = int(await books.fetchval(row, customer_balance(STRANGER, ETH).id))
        await made.context.journal.commit(credited(STRANGER, UNITS_MAX - there - HUGE * 10, ETH))
        yield made


async def exported(world: World, file: Path, **asked: str) -> Path:
    options = {"form": "hledger", "account": None, "customer": None, "start": None, "end": None, **asked}
    assert await export(world.context, read_wanted(**options, file=file), lambda _: None) == 0  # type: ignore[arg-type]
    return file


async def our_balances(dsns: Dsns, condition: str = "true") -> dict[tuple[str, str], str]:
    """What the books say, as hledger would: debits positive, what is held in a sub-account."""
    async with connected(dsns.books) as books:
        rows = await books.fetch(
            "SELECT id, asset, (debits_posted - credits_posted + debits_pending)::text AS available,"
            f" (-debits_pending)::text AS held FROM accounts WHERE {condition}"
        )
    found = {(account_name(row["id"]), row["asset"]): int(row["available"]) for row in rows}
    found |= {(f"{account_name(row['id'])}:held", row["asset"]): int(row["held"]) for row in rows}
    return {
        (name, asset): format_units(units, ASSETS[asset].decimals) for (name, asset), units in found.items() if units
    }


def without_zeros(found: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    return {place: figure for place, figure in found.items() if figure.strip("0.")}


@pytest.mark.parametrize("rows", [3, 500])
async def test_led_09_hledger_reports_the_whole_books_to_the_last_unit(
    world: World, dsns: Dsns, tmp_path: Path, hledger_program: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """2^256 - 1 units and 18 decimals among them, in chunks of any size."""
    monkeypatch.setattr(chunks, "WINDOW_ROWS", rows)
    file = await exported(world, tmp_path / "books.journal")
    await hledger(hledger_program, file, "check")
    found = without_zeros(await balances(hledger_program, file))
    assert found == await our_balances(dsns)
    assert max(len(figure) for figure in found.values()) > 75
    assert any(name.endswith(":held") for name, _ in found)
    assert any(name.startswith("assets:") and name.endswith(":receivable") for name, _ in found)


async def test_one_account_and_one_customer_have_theirs(
    world: World, dsns: Dsns, tmp_path: Path, hledger_program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 7)
    monkeypatch.setattr(chunks, "CHUNK_ROWS_MIN", 2)
    account = customer_balance(STRANGER, EUR).id
    one = await exported(world, tmp_path / "one.journal", account=account)
    own = await exported(world, tmp_path / "own.journal", customer="@exchange")
    for file, condition, prefix in (
        (one, f"id = '{account}'", account_name(account)),
        (own, f"owner = '{PLATFORM}'", f"liabilities:{PLATFORM}:"),
    ):
        await hledger(hledger_program, file, "check")
        found = without_zeros(await balances(hledger_program, file))
        mine = {place: figure for place, figure in found.items() if place[0].startswith(prefix)}
        assert mine == await our_balances(dsns, condition)


async def test_hledger_finds_one_unit_that_was_changed_anywhere(
    world: World, tmp_path: Path, hledger_program: Path
) -> None:
    """Each posting says what is there after it: a movement with both its sides forged alike does not pass."""
    file = await exported(world, tmp_path / "books.journal")
    text = file.read_text()
    (first, *_) = re.finditer(r'  (-?)([0-9]+\.[0-9]{17})([1-8]) "ETH" =\*', text)
    forged = text.replace(f'{first[2]}{first[3]} "ETH" =*', f'{first[2]}9 "ETH" =*')
    assert forged != text
    file.write_text(forged)
    with pytest.raises(HledgerRefused, match="assertion"):
        await hledger(hledger_program, file, "check")


async def test_books_with_a_beginning_of_their_own_are_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leave out --from"):
        await exported(world, tmp_path / "x.journal", start="2026-01-01")
