"""What the core does around the adapter, as far as these tests need it: a store, an address book, a payout key."""

import asyncio
import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chains.sepa.decode import signing_bytes, tx_of
from chains.sepa.network import SepaNetwork
from chains.sepa.statements import Accepted, Notice, StatementsMoved
from tests.unit.chains.sepa.material import EUR, IBAN
from wallet.ids import NetworkId, SubmissionId
from wallet.ports import BlockRef, Listing, Network, SubmissionRef, Unsigned

SEPA = NetworkId("sepa")
KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
PUBLIC_KEY = KEY.public_key().public_bytes_raw().hex()
WITHIN_S = 10
SETTLED_S = 10  # as old as a file that nobody writes any more


class Store:
    """Keeps accepted statements in memory, for as long as the core's would live."""

    def __init__(self) -> None:
        self.rows: list[tuple[Accepted, bytes]] = []

    async def last(self) -> Accepted | None:
        return self.rows[-1][0] if self.rows else None

    async def by_digest(self, digest: str) -> Accepted | None:
        return next((row for row, _ in self.rows if row.digest == digest), None)

    async def by_statement_id(self, statement_id: str) -> Sequence[Accepted]:
        return [row for row, _ in self.rows if row.statement_id == statement_id]

    async def at(self, height: int) -> Accepted | None:
        stored = await self.get(height)
        return stored[0] if stored is not None else None

    async def get(self, height: int) -> tuple[Accepted, bytes] | None:
        return self.rows[height - 1] if 1 <= height <= len(self.rows) else None

    async def append(self, statements: Sequence[Accepted], raw: bytes) -> None:
        if statements[0].height != len(self.rows) + 1:
            raise StatementsMoved
        self.rows += [(each, raw) for each in statements]


class Book:
    def __init__(self) -> None:
        self.addresses: set[str] = set()

    async def known(self, network: NetworkId, addresses: Collection[str]) -> frozenset[str]:
        assert network == SEPA
        return frozenset(self.addresses & set(addresses))


class Desk:
    """One bank folder with a network on it, and all that it told."""

    def __init__(self, folder: Path, store: Store | None = None, **changes: Any) -> None:
        self.folder = folder
        self.store = store or Store()
        self.book = Book()
        self.told: list[Notice] = []
        settings: dict[str, Any] = {
            "id": SEPA,
            "folder": folder,
            "iban": IBAN,
            "bic": "COBADEFFXXX",
            "holder_name": "Coffer",
            "public_keys": PUBLIC_KEY,
            "book": self.book,
            "statements": self.store,
            "listings": (Listing(SEPA, EUR, None, 2),),
            "report": self.hear,
        }
        self.network = SepaNetwork(**{**settings, **changes})
        self.port: Network = self.network

    async def hear(self, notice: Notice) -> None:
        self.told.append(notice)

    def drop(self, name: str, raw: bytes) -> Path:
        """The bank puts a finished file into the folder."""
        path = self.folder / "in" / name
        path.write_bytes(raw)
        settled = time.time() - SETTLED_S
        os.utime(path, (settled, settled))
        return path

    async def until_height(self, height: int) -> BlockRef:
        """The tip once it is there; fails after `WITHIN_S`."""
        for _ in range(round(WITHIN_S * 20)):
            if (tip := await self.network.tip()).height >= height:
                return tip
            await asyncio.sleep(0.05)
        raise AssertionError(f"no statement {height} within {WITHIN_S} s: {self.told}")

    def files(self, part: str) -> list[str]:
        return sorted(path.name for path in (self.folder / part).iterdir() if not path.name.startswith("."))

    def said(self) -> list[tuple[str, str]]:
        return [(notice.file, notice.state.value) for notice in self.told]


def signed(unsigned: Unsigned, references: tuple[str, ...], key: Ed25519PrivateKey = KEY) -> SubmissionRef:
    xml = unsigned.payload
    return SubmissionRef(
        id=SubmissionId(unsigned.consumes[0]),
        tx=tx_of(xml),
        payload=key.sign(signing_bytes(xml)) + xml,
        consumes=unsigned.consumes,
        references=references,
    )
