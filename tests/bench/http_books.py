"""The books behind the HTTP measurement: customers who each have a handle, a key that may pay, and money."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.bench.payments import BANK, EUR, FUNDED_UNITS, customer, list_euro
from wallet.access.keys import SECRET_PREFIX, Scope, hash_secret
from wallet.journal import Change, EventKind, Insert, Journal
from wallet.ledger import templates
from wallet.money import Amount

AT_ONCE = 500  # customers in one Change


def handle(number: int) -> str:
    return f"customer_{number}"


def secret(number: int) -> str:
    """Known to the bench's processes without being passed; its form is that of a real one."""
    drawn = hashlib.sha256(b"coffer/bench/%d" % number).digest()
    return SECRET_PREFIX + urlsafe_b64encode(drawn).rstrip(b"=").decode("ascii")


async def open_books(journal: Journal, accounts: int) -> None:
    """Lists the asset, opens and funds every customer, through the Journal like everything else."""
    await list_euro(journal)
    for change in _openings(accounts):
        await journal.commit(change)


def _openings(accounts: int) -> Iterator[Change]:
    funds, now = Amount(FUNDED_UNITS, EUR), datetime.now(UTC)
    for first in range(0, accounts, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, accounts))
        writes = tuple(write for number in numbers for write in _person(number, now))
        entries = (templates.deposit_credited(customer(n), BANK, funds, swept_later=False) for n in numbers)
        entry = tuple(transfer for one in entries for transfer in one)
        yield Change("bench", EventKind.DEPOSIT_CREDITED, {}, entry=entry, writes=writes)


def _person(number: int, now: datetime) -> tuple[Insert, Insert]:
    owner = customer(number)
    person = {"id": owner, "handle": handle(number), "name_item": None, "email_item": None, "created_at": now}
    key = {
        "id": owner.replace("cus_", "key_"),
        "owner": owner,
        "hash": hash_secret(secret(number)),
        "label": "bench",
        "scopes": (Scope.PAY.value, Scope.READ.value),
        "created_at": now,
        "revoked_at": None,
    }
    return Insert("customers", person), Insert("api_keys", key)
