"""`coffer receipt verify`: a receipt against a key, offline, and against the journal that it speaks of."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from node.database import Dsns
from wallet.journal.find_receipt import is_claimed
from wallet.journal.receipts import Receipt, verify_receipt

MISSING = "this Change is missing from the journal: the operator signed for it"


@dataclass(frozen=True, slots=True)
class Found:
    """What the journal says. `known_key` is whether the books list the key that signed."""

    in_journal: bool
    known_key: bool


def read_receipt(file: Path) -> Receipt:
    """Raises `ReceiptMalformed`, OSError. An API answer that holds a receipt is taken as well."""
    text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("receipt"), dict):
        text = json.dumps(answer["receipt"]).encode()
    return Receipt.from_json(text)


def check_receipt(receipt: Receipt, key: str | None) -> dict[str, Any]:
    """The claim that is proven. Without a key this proves only that whoever has the named key signed. Raises
    `ReceiptRefused`."""
    return verify_receipt(receipt, receipt.key if key is None else key)


async def check_in_journal(dsns: Dsns, receipt: Receipt) -> Found:
    connection = await asyncpg.connect(dsns.books)
    try:
        known = await connection.fetchval("SELECT EXISTS (SELECT FROM journal_keys WHERE id = $1)", receipt.key)
        return Found(await is_claimed(connection, receipt), bool(known))
    finally:
        await connection.close()


def tell_receipt(receipt: Receipt, claim: dict[str, Any], found: Found | None = None, *, as_json: bool) -> int:
    """Prints the verdict. Exit status 0 if the receipt holds and, where it was asked, the journal agrees."""
    sound = found is None or (found.in_journal and found.known_key)
    if as_json:
        journal = None if found is None else {"has_it": found.in_journal, "knows_key": found.known_key}
        print(json.dumps({"valid": True, "key": receipt.key, "claim": claim, "journal": journal}))  # noqa: T201 (a result)
        return 0 if sound else 1
    print(f"valid: signed by {receipt.key}")  # noqa: T201 (a command's result)
    print(f"{claim['kind']} at {claim['at']}: {json.dumps(claim['result'])}")  # noqa: T201
    if found is not None:
        print(_verdict(found))  # noqa: T201
    return 0 if sound else 1


def _verdict(found: Found) -> str:
    if not found.known_key:
        return "the journal does not list this key: it is another node's receipt, or the key was taken out of the books"
    return "the journal has it" if found.in_journal else MISSING
