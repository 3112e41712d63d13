"""The address book as adapters see it: which of these addresses are ours, at this moment, across processes.

What this prevents: a block that pays an address being passed without it. An address is committed before anybody is told of
it, so a block that pays it is scanned after; and each question first reads what was committed since the last one. For that,
addresses count their places as they are committed (`position`): the Journal writes one batch after the other under the head's
lock, so whoever sees one place sees all before it, and what comes later has a higher one.

Nearly all that a block pays is nobody's of ours. Those are told apart in memory; the few that are left are looked up exactly,
so that a filter's mistake costs a question and never a deposit.
"""

import asyncio
from collections.abc import Collection

import structlog
from sqlalchemy import Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from wallet import schema
from wallet.addresses.filter import AddressFilter
from wallet.ids import NetworkId

LOADED_AT_ONCE = 500_000  # places a statement: under a second, so that no snapshot is held for long
FOLLOWED_AT_ONCE = 10_000
_LOAD = "SELECT lower(address) FROM addresses WHERE position > $1 AND position <= $2"

_TABLE = schema.addresses
_log = structlog.get_logger("addresses")


class StoredAddressBook:
    """Reads all addresses at the first question (some ten seconds for ten millions), and after that what is new."""

    def __init__(self, reads: AsyncEngine) -> None:
        self._reads = reads
        self._filter = AddressFilter()
        self._position: int | None = None  # up to which the filter has all
        self._reading = asyncio.Lock()

    async def known(self, network: NetworkId, addresses: Collection[str]) -> frozenset[str]:  # noqa: ARG002
        """Whatever the network: where two have the same address, it has one owner (`wallet.addresses.reserve`)."""
        if not addresses:
            return frozenset()
        async with self._reads.connect() as connection:
            await self._catch_up(connection)
            likely = self._filter.likely([address.lower() for address in addresses])
            return await _exactly(connection, likely) if likely else frozenset()

    async def _catch_up(self, connection: AsyncConnection) -> None:
        async with (
            self._reading
        ):  # whoever waited reads as well: what was read for another may be older than its question
            if self._position is None:
                self._position = await self._load(connection)
            self._position = await self._follow(connection, self._position)

    async def _follow(self, connection: AsyncConnection, position: int) -> int:
        new = select(_TABLE.c.position, func.lower(_TABLE.c.address)).where(_TABLE.c.position > bindparam("position"))
        in_order = new.order_by(_TABLE.c.position).limit(FOLLOWED_AT_ONCE)
        while True:
            rows = (await connection.execute(in_order, {"position": position})).all()
            if rows:
                self._filter.add([row[1] for row in rows])
                position = rows[-1][0]
            if len(rows) < FOLLOWED_AT_ONCE:
                return position

    async def _load(self, connection: AsyncConnection) -> int:
        """Everything up to the highest place of now, in as many statements as it takes."""
        last: int = (await connection.execute(select(func.coalesce(func.max(_TABLE.c.position), 0)))).scalar_one()
        self._filter = AddressFilter(expected=last + last // 4)
        for start in range(0, last, LOADED_AT_ONCE):
            await self._load_part(connection, start, min(start + LOADED_AT_ONCE, last))
            if last > LOADED_AT_ONCE:
                _log.info("address_book_loading", done=min(start + LOADED_AT_ONCE, last), of=last)
        return last

    async def _load_part(self, connection: AsyncConnection, after: int, upto: int) -> None:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        rest = b""

        async def take(lines: bytes) -> None:
            nonlocal rest
            whole, _, rest = (rest + lines).rpartition(b"\n")
            if whole:
                self._filter.add(whole.decode("ascii").split("\n"))

        await driver.copy_from_query(_LOAD, after, upto, output=take)


async def _exactly(connection: AsyncConnection, lowered: list[str]) -> frozenset[str]:
    wanted = any_(bindparam(None, lowered, type_=ARRAY(Text)))
    found = await connection.execute(select(_TABLE.c.address).where(func.lower(_TABLE.c.address) == wanted))
    return frozenset(found.scalars())
