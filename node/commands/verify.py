"""`coffer verify`: the journal replayed and compared, then every asset proven against its networks."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg

from node.collector import settle_collector
from node.commands.verify_addresses import prove_addresses
from node.database import Dsns
from node.seal_apart import apart_sealer
from node.witness import compare_witness
from wallet.context import Context
from wallet.ledger.reconcile import positions
from wallet.proofs.verify import Progress, Proof, verify

APART_FROM = 50_000  # Changes; starting a process costs as much as replaying half of them

Say = Callable[[str], None]


async def prove(
    context: Context, dsns: Dsns, witnessed: Path, archives: Path, *, as_json: bool, books_only: bool, say: Say
) -> int:
    """Exit status 0 if the journal agrees and no asset is short by a single unit, 1 otherwise. A surplus is shown and is no
    failure: anybody can send us a unit that we do not see. Raises `BooksBroken`, `WitnessContradicted` and the networks'
    errors."""
    connection = await asyncpg.connect(dsns.books)
    try:
        heads = await compare_witness(connection, witnessed)
    finally:
        await connection.close()
    proof = await prove_books(dsns, archives, say)
    found: dict[str, Any] = {"journal": {**asdict(proof), "witnessed": heads}}
    found["addresses"] = asdict(await prove_addresses(context, say))
    short = False
    if not books_only:
        proven = await positions(context)
        found["assets"] = {p.asset: p.view() for p in proven}
        short = any(p.difference < 0 for p in proven)
    print_proof(found, as_json=as_json)
    return 1 if short else 0


async def prove_books(dsns: Dsns, archives: Path, say: Say) -> Proof:
    """The journal alone, against its tables. Raises `BooksBroken`, `SealingEnded`."""
    settle_collector()
    connection = await asyncpg.connect(dsns.books)
    try:
        return await prove_journal(connection, _progress(say), archives)
    finally:
        await connection.close()


async def prove_journal(
    connection: asyncpg.Connection, progress: Progress | None = None, archives: Path | None = None
) -> Proof:
    """A long journal with the help of other processes, a short one without. Raises `BooksBroken`, `SealingEnded`."""
    if await connection.fetchval("SELECT seq FROM journal_head") < APART_FROM:
        return await verify(connection, progress, archives)
    async with apart_sealer() as sealer:
        return await verify(connection, progress, archives, sealer)


def _progress(say: Say) -> Progress:
    """Ten lines at most, with rate and time left."""
    started, shown = perf_counter(), 0

    def progress(done: int, of: int) -> None:
        nonlocal shown
        tenth = done * 10 // max(of, 1)
        if tenth > shown:
            shown = tenth
            spent_us = max(int((perf_counter() - started) * 1_000_000), 1)
            left_s = (of - done) * spent_us // max(done, 1) // 1_000_000
            say(f"replayed {done:,} of {of:,} changes, {done * 1_000_000 // spent_us:,} a second, {left_s} s left")

    return progress


def print_proof(found: dict[str, Any], *, as_json: bool) -> None:
    """For programs or for people."""
    if as_json:
        print(json.dumps(found))  # noqa: T201 (a command's result)
        return
    journal = found["journal"]
    print(f"journal: {journal['seq']} changes, {journal['transfers']} transfers and {journal['rows']} rows agree")  # noqa: T201
    print(f"         in {journal['batches']} batches; {journal['receipts']} changes have signed receipts")  # noqa: T201
    print(f"         {journal['witnessed']} witnessed heads are on record")  # noqa: T201
    print(f"         sealed by {journal['head']}")  # noqa: T201
    if (places := found.get("addresses")) is not None:
        print(f"         {places['derived']} addresses derived again, {places['certified']} of all certified")  # noqa: T201
    for symbol, figures in found.get("assets", {}).items():
        state = _judged(figures["difference"])
        there = f"held {figures['held']}{_beside(figures)}"
        print(f"{symbol:>7}: owed {figures['owed']} + house {figures['house']}, {there}: {state}")  # noqa: T201


def _beside(figures: Mapping[str, str]) -> str:
    """What counts beside what is held, where there is any."""
    named = (("in transit", figures["in_transit"]), ("receivables", figures["receivables"]))
    return "".join(f" + {name} {amount}" for name, amount in named if amount.strip("-0."))


def _judged(difference: str) -> str:
    if not difference.strip("-0."):
        return "proven"
    if difference.startswith("-"):
        return f"SHORT by {difference.removeprefix('-')}"
    return f"proven, with a surplus of {difference} that the books do not know"
