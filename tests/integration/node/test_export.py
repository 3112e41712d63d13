"""`coffer export` without its command line: files of the books, whole under their names or not there."""

import csv
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.commands.export import export, read_wanted
from node.database import Dsns
from tests.fakes.world import World, running_world
from tests.integration.wallet.changes import EUR, connected
from tests.integration.wallet.movements.busy import PLATFORM, STRANGER, be_busy, open_customers
from wallet.errors import NotFound
from wallet.ledger.accounts import customer_balance


@pytest.fixture
async def world(dsns: Dsns, tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(dsns, tmp_path) as made:
        await open_customers(made, 3)
        await be_busy(made, 3, rounds=10)
        yield made


async def exported(world: World, file: Path, **asked: str) -> tuple[list[dict[str, str]], list[str]]:
    told: list[str] = []
    options = {"form": "csv", "account": None, "customer": None, "start": None, "end": None, **asked}
    assert await export(world.context, read_wanted(**options, file=file), told.append) == 0  # type: ignore[arg-type]
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened)), told


async def test_the_whole_books_one_customer_and_one_account(world: World, dsns: Dsns, tmp_path: Path) -> None:
    file = tmp_path / "books.csv"
    rows, told = await exported(world, file)
    async with connected(dsns.books) as connection:
        wanted = await connection.fetch(
            "SELECT seq, ordinal, debit_account, credit_account, debit_posted_after::text, credit_posted_after::text,"
            " debit_held_after::text, credit_held_after::text FROM transfers ORDER BY seq, ordinal"
        )
    after = ("debit_posted_after", "credit_posted_after", "debit_held_after", "credit_held_after")
    names = ("seq", "ordinal", "debit_account", "credit_account", *after)
    found = [
        {name: r[name] if name not in after else str(int(r[name].replace(".", ""))) for name in names} for r in rows
    ]
    assert found == [{name: str(value) for name, value in row.items()} for row in wanted]
    assert told[-1].startswith(f"{2 * len(rows):,} movements, up to row ")
    assert (os.stat(file).st_mode & 0o777, "books.csv.new" in os.listdir(tmp_path)) == (0o600, False)
    account = customer_balance(STRANGER, EUR).id
    one, _ = await exported(world, tmp_path / "one.csv", account=account)
    touching = [r for r in rows if account in (r["debit_account"], r["credit_account"])]
    assert [(r["seq"], r["amount"]) for r in one] == [(r["seq"], r["amount"]) for r in touching]
    own, _ = await exported(world, tmp_path / "own.csv", customer="@exchange")
    assert {r["account"].partition(":")[0] for r in own} == {PLATFORM}
    assert {r["account"].split(":")[1] for r in own} == {"balance", "fees"}


async def test_what_is_not_there_or_makes_no_sense_writes_nothing(world: World, tmp_path: Path) -> None:
    for asked in ({"account": "cus_nobody:balance:EUR"}, {"customer": "@nobody"}):
        with pytest.raises(NotFound):
            await exported(world, tmp_path / "none.csv", **asked)
    bad = (
        {"form": "xls"},
        {"start": "yesterday"},
        {"start": "2026-01-02", "end": "2026-01-01"},
        {"account": "a", "customer": "b"},
    )
    for asked in bad:
        with pytest.raises(ValueError, match=r"."):
            await exported(world, tmp_path / "none.csv", **asked)
    assert not [name for name in os.listdir(tmp_path) if name.startswith("none")]
