"""What the next submission may consume: a nonce of an address, the free inputs, or a file name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.ids import NetworkId, SubmissionId
from wallet.journal.change import Insert, Update
from wallet.ledger.accounts import HOUSE
from wallet.ports import Derived, FileSource, Network, NonceSource, Source, Unsigned, UtxoSource
from wallet.treasury.coins import State, free_coins

Writes = tuple[Insert | Update, ...]


async def house_address(context: Context, network: NetworkId) -> Derived:
    """The hot address. The first is assigned when the network is opened; each rotation makes a newer one."""
    table = schema.addresses
    mine = select(table).where(table.c.network == network, table.c.owner == HOUSE)
    row = await context.one(mine.order_by(table.c.position.desc()).limit(1))
    if row is None:
        raise AssertionError(f"{network} has no house address")
    return Derived(row["address"], row["path"])


@dataclass(frozen=True, slots=True)
class NextSource:
    """A source to build on, and the rows by which the Journal reserves it."""

    source: NonceSource | UtxoSource | FileSource
    counter: Record | None = None
    versions: Mapping[str, int] = field(default_factory=dict)  # of the coins that may be used, by outpoint

    def reservation(self, network: NetworkId, submission: SubmissionId, unsigned: Unsigned) -> Writes:
        """Everything that makes this submission the only one that may ever consume what it consumes."""
        claims = tuple(
            Insert("reservations", {"id": f"{network}|{name}", "submission": submission}) for name in unsigned.consumes
        )
        return (*claims, *self._counter_write(network), *self._coin_writes(network, unsigned))

    def _counter_write(self, network: NetworkId) -> Writes:
        if not isinstance(self.source, NonceSource):
            return ()
        row_id, following = f"{network}/{self.source.address}", self.source.nonce + 1
        if self.counter is None:
            return (Insert("nonces", {"id": row_id, "next": following}),)
        return (Update("nonces", row_id, self.counter["version"], {"next": following}),)

    def _coin_writes(self, network: NetworkId, unsigned: Unsigned) -> Writes:
        if not isinstance(self.source, UtxoSource):
            return ()
        reserved = {"state": State.RESERVED.value}
        return tuple(Update("utxos", f"{network}/{name}", self.versions[name], reserved) for name in unsigned.consumes)


async def next_source(context: Context, network: Network, submission: SubmissionId, spender: Derived) -> NextSource:
    """Raises the network's errors when a first nonce has to be asked for."""
    match network.capabilities.source:
        case Source.NONCE:
            return await _next_nonce(context, network, spender)
        case Source.UTXO:
            coins = await free_coins(context, network.id)
            versions = {coin.outpoint: version for coin, version in coins}
            return NextSource(UtxoSource(tuple(coin for coin, _ in coins), spender), versions=versions)
        case Source.FILE:
            return NextSource(FileSource(submission, context.clock.now()))


async def _next_nonce(context: Context, network: Network, spender: Derived) -> NextSource:
    row_id = f"{network.id}/{spender.address}"
    row = await context.one(select(schema.nonces).where(schema.nonces.c.id == row_id))
    nonce = row["next"] if row else await network.next_nonce(spender.address)
    return NextSource(NonceSource(spender.address, spender.path, nonce), row)


async def caught_up(context: Context, network: Network, address: str) -> Writes:
    """Our count of nonces, where the chain's is ahead of it: somebody else has signed for this address. A count that is behind
    ours moves nothing, for a node may not know yet what we have sent. Raises the network's errors."""
    if network.capabilities.source is not Source.NONCE:
        return ()
    row = await context.one(select(schema.nonces).where(schema.nonces.c.id == f"{network.id}/{address}"))
    following = await network.next_nonce(address)
    if row is None or row["next"] >= following:
        return ()
    return (Update("nonces", row["id"], row["version"], {"next": following}),)


def signing_paths(source: NonceSource | UtxoSource | FileSource, unsigned: Unsigned) -> tuple[str, ...]:
    """The keys that this submission needs, in the order of its inputs."""
    match source:
        case NonceSource():
            return (source.path,)
        case UtxoSource():
            paths = {coin.outpoint: coin.path for coin in source.available}
            return tuple(paths[name] for name in unsigned.consumes)
        case FileSource():
            return ()
