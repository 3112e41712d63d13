"""What a withdrawal that has not ended waits for, in a word that its owner is told (`states.WAITS`).

Most of it stands in rows that anybody can read. What only the worker that pays knows (no funds, a limit used up, the signer
away) it writes down once for each asset of a network, when it changes: all of one asset wait for the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert

from wallet import schema
from wallet.context import Context, Record
from wallet.ids import CustomerId, NetworkId
from wallet.ledger.accounts import Flags, customer_balance
from wallet.networks.view import NetworkStatus, network_views
from wallet.schema import payout_waits
from wallet.stops.words import is_stop
from wallet.withdrawals.states import ENDED, State, Wait

ALL_ASSETS = "*"  # what stops a whole network: no asset is called so
_SENT = {State.SUBMITTED: Wait.BLOCK, State.INCLUDED: Wait.FINALITY}


async def note_waits(context: Context, network: NetworkId, found: Mapping[str, Wait]) -> None:
    """What stops what is requested on this network now, by asset. Written where it is something else than before."""
    known = {row["asset"]: row["reason"] for row in await context.all(_stored(network))}
    if known == {asset: wait.value for asset, wait in found.items()}:
        return
    async with context.ops.begin() as connection:
        await connection.execute(
            delete(payout_waits).where(payout_waits.c.network == network, payout_waits.c.asset.not_in(list(found)))
        )
        for asset, wait in found.items():
            new = {"network": network, "asset": asset, "reason": wait.value, "since": context.clock.now()}
            told = insert(payout_waits).values(new)
            changed = {"reason": told.excluded.reason, "since": told.excluded.since}
            other = payout_waits.c.reason != told.excluded.reason
            await connection.execute(
                told.on_conflict_do_update(index_elements=["network", "asset"], set_=changed, where=other)
            )


@dataclass(frozen=True, slots=True)
class _Standing:
    """What was read of everything that withdrawals may wait for."""

    networks: Mapping[str, Wait]
    paused: Mapping[str, Wait]
    noted: Mapping[tuple[str, str], Wait]
    frozen: frozenset[tuple[str, str]]
    doubted: frozenset[str]

    def of(self, row: Record) -> Wait:
        state = State(row["state"])
        if row["id"] in self.doubted:
            return Wait.PERSON
        if state in _SENT:
            return self.networks.get(row["network"], _SENT[state])
        return next((wait for wait in self._stops(row, state) if wait is not None), Wait.TURN)

    def _stops(self, row: Record, state: State) -> Iterator[Wait | None]:
        network, asset, begun = row["network"], row["asset"], state is not State.REQUESTED
        yield self.paused.get(asset)
        yield Wait.ACCOUNT_FROZEN if (row["owner"], asset) in self.frozen and not begun else None
        yield Wait.APPROVAL if row["approvals_missing"] and not begun else None
        yield self.networks.get(network)
        yield self.noted.get((network, ALL_ASSETS))
        yield None if begun else self.noted.get((network, asset))


async def waits_for(context: Context, rows: Sequence[Record]) -> dict[str, Wait]:
    """By withdrawal; those that have ended wait for nothing and are left out."""
    waiting = [row for row in rows if row["state"] not in ENDED]
    if not waiting:
        return {}
    assets = schema.assets
    paused = await context.all(select(assets.c.id, assets.c.pause_reason).where(assets.c.paused))
    noted = await context.all(select(payout_waits))
    standing = _Standing(
        networks=await _stopped_networks(context),
        paused={row["id"]: _said(row["pause_reason"], Wait.ASSET_PAUSED) for row in paused},
        noted={(row["network"], row["asset"]): Wait(row["reason"]) for row in noted},
        frozen=await _frozen(context, waiting),
        doubted=await _doubted(context, waiting),
    )
    return {row["id"]: standing.of(row) for row in waiting}


def _stored(network: NetworkId) -> Select[tuple[str, str]]:
    return select(payout_waits.c.asset, payout_waits.c.reason).where(payout_waits.c.network == network)


async def _stopped_networks(context: Context) -> dict[str, Wait]:
    """Halted by a person or by their providers' contradictions; or silent."""
    said = {NetworkStatus.PAUSED: Wait.NETWORK_HALTED, NetworkStatus.NOT_ANSWERING: Wait.NETWORK}
    return {v.id: _said(v.halted, said[v.status]) for v in await network_views(context) if v.status in said}


def _said(reason: str | None, otherwise: Wait) -> Wait:
    return Wait.STOPPED if is_stop(reason) else otherwise


async def _frozen(context: Context, rows: Sequence[Record]) -> frozenset[tuple[str, str]]:
    places = {
        customer_balance(CustomerId(row["owner"]), context.asset(row["asset"])).id: (row["owner"], row["asset"])
        for row in rows
    }
    table = schema.accounts
    wanted = select(table.c.id).where(table.c.id.in_(list(places)), table.c.flags.op("&")(int(Flags.FROZEN)) != 0)
    return frozenset(places[row["id"]] for row in await context.all(wanted))


async def _doubted(context: Context, rows: Sequence[Record]) -> frozenset[str]:
    """Those whose submission a person has to look at (`wallet.treasury.doubt`), or that the signer refused late."""
    links, table = schema.submission_withdrawals, schema.submissions
    wanted = (
        select(links.c.withdrawal)
        .join(table, table.c.id == links.c.submission)
        .where(links.c.withdrawal.in_([row["id"] for row in rows]), table.c.state.in_(["doubted", "stopped"]))
    )
    return frozenset(row["withdrawal"] for row in await context.all(wanted))
