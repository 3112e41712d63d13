"""What must hold at every moment of a simulation, and what must hold once it is quiet. Read beside the node, in real time."""

import asyncpg

from tests.simulation.life import Town

_SUMS = "SELECT asset, sum(credits_posted - debits_posted) AS rest FROM accounts GROUP BY asset"
_NEGATIVE = """
SELECT id FROM accounts WHERE code = 'balance' AND owner <> 'house' AND credits_posted - debits_posted - debits_pending < 0
"""
_HELD = """
SELECT a.id, a.debits_pending, coalesce(h.rest, 0) AS rest FROM accounts a
LEFT JOIN (SELECT debit, sum(remaining) AS rest FROM holds GROUP BY debit) h ON h.debit = a.id
WHERE a.debits_pending <> coalesce(h.rest, 0)
"""
_CREDITED = """
SELECT d.network, d.owner, d.asset, sum(d.units) AS units FROM deposits d
WHERE d.state = 'credited' AND d.owner <> 'house' GROUP BY d.network, d.owner, d.asset
"""
_BACK = ("failed", "cancelled", "rejected")


class Broken(AssertionError):
    """An invariant does not hold; says which, and where."""


async def check_always(reader: asyncpg.Connection, town: Town) -> None:
    """I1, I3, holds, I4 and I5."""
    await check_sums(reader)
    for row in await reader.fetch(_NEGATIVE):
        raise Broken(f"I3: {row['id']} is negative")
    for row in await reader.fetch(_HELD):
        raise Broken(f"I3: {row['id']} has {row['debits_pending']} held and holds of {row['rest']}")
    await _check_credits(reader, town)
    await _check_payments(reader, town)


async def check_sums(reader: asyncpg.Connection) -> None:
    """I1."""
    for row in await reader.fetch(_SUMS):
        _hold(row["rest"] == 0, f"I1: {row['asset']} sums to {row['rest']}")


async def _check_credits(reader: asyncpg.Connection, town: Town) -> None:
    """Never more than has arrived: what is final cannot be taken back here, so the chain still shows it."""
    for row in await reader.fetch(_CREDITED):
        network = next(each for name, each in town.networks.items() if name == row["network"])
        arrived = network.received(town.addresses[row["owner"], network.id]).get(row["asset"], 0)
        _hold(row["units"] <= arrived, f"I4: {row['owner']} was credited {row['units']} of {arrived} {row['asset']}")


async def _check_payments(reader: asyncpg.Connection, town: Town) -> None:
    """Each withdrawal of a simulation goes to an address of its own."""
    for row in await reader.fetch("SELECT id, network, asset, units, state, destination FROM withdrawals"):
        if row["destination"] is None:
            continue
        network = next(each for name, each in town.networks.items() if name == row["network"])
        got = network.received(row["destination"]).get(row["asset"], 0)
        _hold(got in (0, int(row["units"])), f"I5: {row['id']} of {row['units']} paid {got}")
        _hold(row["state"] not in _BACK or got == 0, f"I5: {row['id']} is {row['state']} and was paid")
        _hold(row["state"] != "final" or got > 0, f"I5: {row['id']} is final and was not paid")


async def check_quiet(reader: asyncpg.Connection, town: Town) -> None:
    """Everything has come to an end, every arrival is credited, and everybody has an answer."""
    open_ones = await reader.fetch("SELECT id, state FROM withdrawals WHERE state <> ALL ($1)", [*_BACK, "final"])
    _hold(not open_ones, f"withdrawals that never ended: {open_ones}")
    credited = {
        (row["network"], row["owner"], row["asset"]): int(row["units"]) for row in await reader.fetch(_CREDITED)
    }
    for (owner, name), address in town.addresses.items():
        for symbol, units in town.networks[name].received(address).items():
            found = credited.get((name, owner, symbol), 0)
            _hold(found == units, f"I4: {owner} got {units} {symbol} on {name} and was credited {found}")
    _hold(not town.open_orders, f"orders without an answer: {list(town.open_orders)}")


def _hold(holds: bool, what: str) -> None:
    if not holds:
        raise Broken(what)
