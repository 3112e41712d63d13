"""CRS-08 and CRS-10: a real standby. It takes over, with the end of the journal or without it; it lags, and is not asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import asyncpg
import pytest
from sqlalchemy import text

from node.compose import make_engine
from node.database import Dsns, UnsafeDatabase, prepare_roles, refuse_unsafe_settings
from node.database.primary import connect_primary
from node.processes import attempts
from node.witness import keep_tail, stop_if_contradicted
from tests.clusters import Cluster, running_cluster, standby_of, until
from tests.fakes.world import running_world
from tests.integration.wallet.changes import ALICE, BOB, connected, credited, paid, posted_and_held, proven, running
from tests.integration.wallet.journal.sealing import signing
from wallet.errors import AssetPaused, JournalUnavailable, OutcomeUnknown
from wallet.journal import Journal
from wallet.journal.connection import connect
from wallet.journal.tail import TailLost


@dataclass(frozen=True, slots=True)
class Pair:
    primary: Cluster
    standby: Cluster

    def books(self) -> str:
        return both_hosts(self, self.primary.dsns.books)

    async def confirm_with_the_standby(self) -> None:
        """From now on a COMMIT waits for the standby."""
        async with self.primary.superuser() as connection:
            await connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            await connection.execute("SELECT pg_reload_conf()")
            waits = "SELECT bool_or(sync_state = 'sync') FROM pg_stat_replication"
            await until(lambda: connection.fetchval(waits))

    async def stop_streaming(self) -> None:
        """The standby gets nothing any more, as behind a broken line."""
        async with self.standby.superuser() as connection:
            await connection.execute("ALTER SYSTEM SET primary_conninfo = ''")
            await connection.execute("SELECT pg_reload_conf()")
            await until(lambda: connection.fetchval("SELECT count(*) = 0 FROM pg_stat_wal_receiver"))

    async def in_step(self) -> None:
        async with self.primary.superuser() as connection:
            written = await connection.fetchval("SELECT pg_current_wal_lsn()::text")
        async with self.standby.superuser() as connection:
            replayed = "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn"
            await until(lambda: connection.fetchval(replayed, written))

    async def promote(self) -> None:
        async with self.standby.superuser() as connection:
            assert await connection.fetchval("SELECT pg_promote()")


def both_hosts(pair: Pair, dsn: str) -> str:
    """As an operator of a given PostgreSQL would write it, with the standby first."""
    hosts = [parse_qs(urlsplit(one.dsns.books).query)["host"][0] for one in (pair.standby, pair.primary)]
    return urlunsplit(urlsplit(dsn)._replace(query=f"host={quote(','.join(hosts), safe='/,')}"))


@asynccontextmanager
async def running_servers(folder: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        primary = await stack.enter_async_context(running_cluster(folder / "primary"))
        standby = await stack.enter_async_context(standby_of(primary, folder / "standby"))
        yield Pair(primary, standby)


async def stream(journal: Journal, name: str, confirmed: list[str]) -> None:
    """Payments one after the other until the node says that it does not know."""
    for number in range(10_000):
        key = f"{name}-{number}"
        try:
            await journal.commit(paid(ALICE, BOB, 1, key=key))
        except (JournalUnavailable, OutcomeUnknown):
            return
        confirmed.append(key)


async def reached(confirmed: list[str], number: int) -> None:
    async for _ in attempts(60.0):
        if len(confirmed) >= number:
            return
    raise AssertionError(f"only {len(confirmed)} were confirmed")


async def test_crs_08_a_synchronous_standby_that_takes_over_has_everything_that_was_answered(tmp_path: Path) -> None:
    async with running_servers(tmp_path) as pair:
        await pair.confirm_with_the_standby()
        async with running(pair.books()) as journal:
            await journal.commit(credited(ALICE, 100_000))
            confirmed: list[str] = []
            streams = [asyncio.create_task(stream(journal, f"s{n}", confirmed)) for n in range(4)]
            await reached(confirmed, 100)
            await pair.stop_streaming()
            told = len(confirmed)
            await asyncio.sleep(0.5)
            assert len(confirmed) - told <= len(streams), "answered without the standby"
            await pair.primary.kill()
            await pair.promote()
            await reached(confirmed, told + 100)  # the same journal finds the new primary by itself
            for one in streams:
                one.cancel()
            await asyncio.gather(*streams, return_exceptions=True)
        async with connected(pair.standby.dsns.books) as connection:
            kept = {row["key"] for row in await connection.fetch("SELECT key FROM requests")}
        assert set(confirmed) <= kept
        assert await posted_and_held(pair.standby.dsns.books, BOB) == (len(kept), 0)
        await proven(pair.standby.dsns.books)


async def test_crs_08_a_standby_without_the_end_is_noticed_before_anything_is_written(tmp_path: Path) -> None:
    """By the process that was told, at once; by every later one, through the witness."""
    async with running_servers(tmp_path) as pair:
        async with signing(pair.books()) as journal:
            await journal.commit(credited(ALICE, 100))
            await pair.in_step()
            await pair.stop_streaming()
            last = await journal.commit(paid(ALICE, BOB, 7, key="lost"))
            await pair.primary.kill()
            await pair.promote()
            for _ in range(2):
                with pytest.raises(TailLost, match=f"journal row {last.seq}, which it had confirmed"):
                    await journal.commit(paid(ALICE, BOB, 1))
            assert journal.tail_lost is not None
            keep_tail(tmp_path / "witness.log", journal.tail_lost.tail)
        assert await posted_and_held(pair.standby.dsns.books, BOB) == (0, 0)
        dsns = pair.standby.dsns
        async with running_world(dsns, tmp_path) as world:
            reason = await stop_if_contradicted(tmp_path / "witness.log", world.context, dsns)
            assert reason is not None
            assert "its tail was lost" in reason or "forked" in reason
            for asset in world.context.assets.values():
                with pytest.raises(AssetPaused):
                    await world.context.unpaused(asset)


async def test_crs_10_a_replica_is_refused_and_never_asked_for_a_decision(tmp_path: Path) -> None:
    """Configured alone it is refused at the start; beside the primary, even before it, it is passed over."""
    async with running_servers(tmp_path) as pair:
        async with running(pair.books()) as journal:
            await journal.commit(credited(ALICE, 100))
            await pair.in_step()
            async with pair.standby.superuser() as connection:
                await connection.execute("SELECT pg_wal_replay_pause()")
            await journal.commit(paid(ALICE, BOB, 100))
        assert await posted_and_held(pair.standby.dsns.books, ALICE) == (100, 0)  # the fault: it says what was
        engine = make_engine(pair.books())
        async with engine.connect() as reading:
            asked = text("SELECT credits_posted - debits_posted FROM accounts WHERE id LIKE 'cus_alice:%'")
            assert (await reading.execute(asked)).scalar() == 0
        await engine.dispose()
        async with running(pair.books()) as journal:
            with pytest.raises(Exception, match="available"):
                await journal.commit(paid(ALICE, BOB, 1))
        await assert_refused_alone(pair.standby.dsns, tmp_path)


async def assert_refused_alone(replica: Dsns, folder: Path) -> None:
    with pytest.raises(UnsafeDatabase, match="replica"):
        await connect_primary(replica.books)
    with pytest.raises(UnsafeDatabase, match="replica"):
        await prepare_roles(replica.owner, folder / "standby", {})
    async with connected(replica.books) as connection:
        with pytest.raises(UnsafeDatabase, match="replica"):
            await refuse_unsafe_settings(connection)
    with pytest.raises(asyncpg.TargetServerAttributeNotMatched):
        await connect(replica.books)
