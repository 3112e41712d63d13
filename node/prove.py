"""`coffer verify`: the journal replayed and compared, then every asset proven against its networks."""

import json
from collections.abc import Callable
from typing import Any

import asyncpg

from node.database import Dsns
from wallet.context import Context
from wallet.journal.verify import verify
from wallet.ledger.reconcile import positions

Say = Callable[[str], None]


async def prove(context: Context, dsns: Dsns, *, as_json: bool, books_only: bool, say: Say) -> int:
    """Exit status 0 if the journal agrees and no asset is short by a single unit, 1 otherwise. A surplus is shown and is no
    failure: anybody can send us a unit that we do not see. Raises `BooksBroken` and the networks' errors."""
    shown = 0

    def progress(done: int, of: int) -> None:
        nonlocal shown
        if done * 10 // max(of, 1) > shown:
            shown = done * 10 // max(of, 1)
            say(f"replayed {done:,} of {of:,} changes")

    connection = await asyncpg.connect(dsns.books)
    try:
        proof = await verify(connection, progress)
    finally:
        await connection.close()
    found: dict[str, Any] = {
        "journal": {"seq": proof.seq, "head": proof.head, "transfers": proof.transfers, "rows": proof.rows},
    }
    short = False
    if not books_only:
        proven = await positions(context)
        found["assets"] = {p.asset: p.view() for p in proven}
        short = any(p.difference < 0 for p in proven)
    print_proof(found, as_json=as_json)
    return 1 if short else 0


def print_proof(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found))  # noqa: T201 (a command's result)
        return
    journal = found["journal"]
    print(f"journal: {journal['seq']} changes, {journal['transfers']} transfers and {journal['rows']} rows agree")  # noqa: T201
    print(f"         sealed by {journal['head']}")  # noqa: T201
    for symbol, figures in found.get("assets", {}).items():
        state = _judged(figures["difference"])
        print(f"{symbol:>7}: owed {figures['owed']} + house {figures['house']}, held {figures['held']}: {state}")  # noqa: T201


def _judged(difference: str) -> str:
    if not difference.strip("-0."):
        return "proven"
    if difference.startswith("-"):
        return f"SHORT by {difference.removeprefix('-')}"
    return f"proven, with a surplus of {difference} that the books do not know"
