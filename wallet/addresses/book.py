"""The address book as adapters see it: which of these addresses are ours, at this moment, across processes."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from wallet import schema
from wallet.ids import NetworkId


class StoredAddressBook:
    """An address is committed before anybody is told of it, so a block that pays it is always scanned after."""

    def __init__(self, reads: AsyncEngine) -> None:
        self._reads = reads

    async def known(self, network: NetworkId, addresses: Collection[str]) -> frozenset[str]:
        if not addresses:
            return frozenset()
        table = schema.addresses
        wanted = select(table.c.address).where(table.c.network == network, table.c.address.in_(list(addresses)))
        async with self._reads.connect() as connection:
            return frozenset((await connection.execute(wanted)).scalars())
