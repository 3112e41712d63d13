"""Coins where a network has them: credited outputs and change, of which submissions are made.

    free ──▶ reserved ──▶ spent
      ▲└──▶ gone            (a reorg took the output away; it is free again when a block shows it again)

A coin that a submission has reserved stays that submission's, whatever happens to its output: reservations are for ever.
"""

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, select

from wallet import schema
from wallet.context import Context, Record
from wallet.ids import NetworkId
from wallet.journal.change import Insert, Update
from wallet.ports import Network, Source, Utxo


class State(StrEnum):
    FREE = "free"
    RESERVED = "reserved"
    SPENT = "spent"
    GONE = "gone"


async def credited_coin(context: Context, network: Network, deposit: Record) -> tuple[Insert | Update, ...]:
    """Where deposits are spent as they lie, the credited output joins the inputs that submissions may use. One that was
    credited before and taken back is the same coin."""
    if network.capabilities.source is not Source.UTXO:
        return ()
    known = await _coin(context, network.id, deposit["identity"])
    if known is not None:
        return _to(known, State.GONE, State.FREE)
    table = schema.addresses
    address = await context.one(
        select(table).where(table.c.network == network.id, table.c.address == deposit["address"])
    )
    if address is None:
        raise AssertionError(f"deposit {deposit['id']} has an owner and no address")
    coin = {
        "id": f"{network.id}/{deposit['identity']}",
        "network": network.id,
        "units": deposit["units"],
        "address": address["address"],
        "path": address["path"],
        "state": State.FREE.value,
    }
    return (Insert("utxos", coin),)


async def lost_coin(context: Context, network: Network, outpoint: str) -> tuple[Update, ...]:
    """No block shows it any more: nothing new may be built on it."""
    return await _moved(context, network, outpoint, State.FREE, State.GONE)


async def found_coin(context: Context, network: Network, outpoint: str) -> tuple[Update, ...]:
    """A block shows it again."""
    return await _moved(context, network, outpoint, State.GONE, State.FREE)


def change_coin(network: NetworkId, change: Record) -> Insert:
    """What comes back of a submission, as its row names it, to be spendable."""
    coin = {**change, "id": f"{network}/{change['outpoint']}", "network": network, "state": State.FREE.value}
    coin["units"] = int(coin["units"])
    del coin["outpoint"]
    return Insert("utxos", coin)


async def change_found(context: Context, network: Network, change: Record) -> tuple[Insert | Update, ...]:
    """A block shows it again, or another variant's for the first time."""
    if await _coin(context, network.id, change["outpoint"]) is None:
        return (change_coin(network.id, change),)
    return await found_coin(context, network, change["outpoint"])


async def free_coins(context: Context, network: NetworkId) -> list[tuple[Utxo, int]]:
    """Each with its row's version, at which it is reserved. Only what is final is free: credited deposits, and change of
    submissions that are final."""
    return _coins(network, await context.all(free(network).order_by(schema.utxos.c.id)))


async def smallest_coins(context: Context, network: NetworkId, limit: int) -> list[tuple[Utxo, int]]:
    """The same of the smallest only."""
    rows = await context.all(free(network).order_by(schema.utxos.c.units, schema.utxos.c.id).limit(limit))
    return _coins(network, rows)


def free(network: NetworkId) -> Select[Any]:
    table = schema.utxos
    return select(table).where(table.c.network == network, table.c.state == State.FREE.value)


def _coins(network: NetworkId, rows: Sequence[Record]) -> list[tuple[Utxo, int]]:
    prefix = len(network) + 1
    return [(Utxo(row["id"][prefix:], row["units"], row["address"], row["path"]), row["version"]) for row in rows]


async def spent_coins(context: Context, network: NetworkId, outpoints: Collection[str]) -> tuple[Update, ...]:
    """The inputs of a submission that is final."""
    table = schema.utxos
    wanted = select(table).where(table.c.id.in_([f"{network}/{name}" for name in outpoints])).order_by(table.c.id)
    rows = await context.all(wanted)
    return tuple(Update("utxos", row["id"], row["version"], {"state": State.SPENT.value}) for row in rows)


async def _moved(context: Context, network: Network, outpoint: str, now: State, then: State) -> tuple[Update, ...]:
    if network.capabilities.source is not Source.UTXO:
        return ()
    known = await _coin(context, network.id, outpoint)
    return () if known is None else _to(known, now, then)


def _to(coin: Record, now: State, then: State) -> tuple[Update, ...]:
    return (Update("utxos", coin["id"], coin["version"], {"state": then.value}),) if coin["state"] == now else ()


async def _coin(context: Context, network: NetworkId, outpoint: str) -> Record | None:
    return await context.one(select(schema.utxos).where(schema.utxos.c.id == f"{network}/{outpoint}"))
