"""What a use case works with: the journal to write, the database to read, the networks, the vault, ids and time.

Made once in `node/compose.py`; use cases take it as their first argument and keep nothing of their own.
"""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg
from sqlalchemy import Column, Executable, Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from wallet import schema
from wallet.addresses.ahead import AddressesAhead
from wallet.errors import AssetPaused, NotFound
from wallet.gathered import GatheredReads
from wallet.ids import IdSource, NetworkId, VaultItemId
from wallet.journal.change import Requirement
from wallet.journal.writer import Journal
from wallet.money import Amount, Asset
from wallet.ports import Clock, Network, Signer
from wallet.recent import RecentRows
from wallet.safeguards.floor import SafetyFloor
from wallet.vault.items import ItemKind, PersonErased, SealedItem
from wallet.vault.vault import RevealPurpose, Vault

Record = Mapping[str, Any]

ACTOR_NODE = "node"  # the actor of Changes that no person asked for


@dataclass(frozen=True, slots=True)
class Context:
    """`reads` connects with the books role; `ops` with the operational role, which has no rights on the books. `assets` grows
    as tokens are listed."""

    journal: Journal
    reads: AsyncEngine
    ops: AsyncEngine
    assets: dict[str, Asset]
    networks: Mapping[NetworkId, Network]
    signer: Signer
    vault: Vault
    clock: Clock
    new_id: IdSource
    safety_floor: SafetyFloor = field(default_factory=SafetyFloor)
    recent: RecentRows = field(default_factory=RecentRows)
    gathered: dict[str, GatheredReads] = field(default_factory=dict, init=False)  # of these `reads` alone
    ahead: AddressesAhead = field(default_factory=AddressesAhead, init=False)
    new_salt: Callable[[int], bytes] = secrets.token_bytes  # guessable in simulations only

    def asset(self, symbol: str) -> Asset:
        """Raises `NotFound` for an asset that this node does not list."""
        found = self.assets.get(symbol)
        if found is None:
            raise NotFound("asset", symbol)
        return found

    def network(self, name: str) -> Network:
        """Raises `NotFound` for a network that this node does not run."""
        found = self.networks.get(NetworkId(name))
        if found is None:
            raise NotFound("network", name)
        return found

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A connection on which all reads are of one moment. Short: what is deleted meanwhile stays until it ends."""
        async with self.reads.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection

    async def all(self, statement: Executable) -> list[Record]:
        async with self.reads.connect() as connection:
            return [dict(row) for row in (await connection.execute(statement)).mappings()]

    async def one(self, statement: Executable) -> Record | None:
        rows = await self.all(statement)
        return rows[0] if rows else None

    async def named(self, column: Column[str], name: str) -> Record | None:
        """The row in which this unique column has this value, read together with what others ask for at the same time."""
        known = self.gathered.get(str(column))
        if known is None:
            known = self.gathered[str(column)] = GatheredReads(partial(self._by_name, column))
        return await known.one(name)

    async def _by_name(self, column: Column[str], names: Sequence[str]) -> dict[str, Record]:
        wanted = any_(bindparam(None, names, type_=ARRAY(Text)))
        return {row[column.name]: row for row in await self.all(select(column.table).where(column == wanted))}

    async def journal_time(self) -> datetime:
        """The present, and never before what the Journal has written last: a clock that was set back does not count."""
        row = await self.one(select(schema.journal_head.c.at))
        now = self.clock.now()
        return now if row is None else max(now, row["at"])

    async def unpaused(self, asset: Asset) -> Requirement:
        """What a Change that moves this asset in or out requires: that nobody has paused it. Raises `AssetPaused`."""
        row = await self.one(select(schema.assets).where(schema.assets.c.id == asset.symbol))
        if row is None:
            raise NotFound("asset", asset.symbol)
        found = self.remember_unpaused(row)
        if isinstance(found, AssetPaused):
            raise found
        return found

    def remember_unpaused(self, row: Record) -> Requirement | AssetPaused:
        """What an asset's row says about moving it; a pause is not remembered: it ends without our being told."""
        if row["paused"]:
            return AssetPaused(row["id"], row["pause_reason"])
        requirement = Requirement("assets", row["id"], row["version"])
        self.recent.keep("assets", row["id"], {"requirement": requirement})
        return requirement

    async def unpaused_lately(self, asset: Asset) -> Requirement:
        """The same as it was last read by this process, for callers who drop it from `recent` when it proves `Stale`."""
        known = self.recent.get("assets", asset.symbol)
        return known["requirement"] if known is not None else await self.unpaused(asset)

    def seal(self, person: str, kind: ItemKind, value: object) -> SealedItem:
        """Personal data, as JSON or bytes, sealed under the person's key."""
        clear = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        item = VaultItemId(self.new_id("vlt"))
        return self.vault.seal(person=person, kind=kind, value=clear, item=item, salt=self.new_salt(32))

    async def reveal_bytes(self, item_id: str, purpose: RevealPurpose) -> bytes:
        """Raises `NotFound`, or what the vault raises for an erased person."""
        row = await self.one(select(schema.vault_items).where(schema.vault_items.c.id == item_id))
        if row is None:
            raise NotFound("vault item", item_id)
        if row["ciphertext"] is None:
            raise PersonErased(row["person"])
        commitment, ciphertext = bytes(row["commitment"]), bytes(row["ciphertext"])
        item = SealedItem(VaultItemId(item_id), row["person"], ItemKind(row["kind"]), ciphertext, commitment)
        return self.vault.reveal(item, purpose)

    async def reveal(self, item_id: str, purpose: RevealPurpose) -> Any:
        return json.loads(await self.reveal_bytes(item_id, purpose))


def amount_of(context: Context, row: Record, column: str = "units") -> Amount:
    return Amount(row[column], context.asset(row["asset"]))


@asynccontextmanager
async def driver_connection(context: Context) -> AsyncIterator[asyncpg.Connection]:
    """The driver's own connection, under SQLAlchemy's: each statement is a transaction of its own."""
    async with context.reads.connect() as pooled:
        raw: Any = await pooled.get_raw_connection()
        yield raw.driver_connection
