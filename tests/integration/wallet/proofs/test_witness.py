"""AUD-06, CRS-08, CRS-13: a journal that lost its end or was forked does not agree with the heads that were kept."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from node.database import Dsns
from node.witness import WitnessFile, compare_witness, stop_all_assets, stop_if_contradicted
from node.workers.witness_heads import witness_head
from tests.fakes.world import World, running_world
from tests.integration.wallet.changes import ALICE, connected, credited
from tests.integration.wallet.journal.sealing import KEY, STOLEN_NAME, key_listed, signing, write_anew
from wallet.errors import AssetPaused
from wallet.proofs.witness import (
    HeadForked,
    HeadMissing,
    LineRefused,
    SignedHead,
    check_lines,
    compare_heads,
    current_head,
    read_heads,
)


@pytest.fixture
async def witnessed(dsns: Dsns, tmp_path: Path) -> tuple[Dsns, Path]:
    """Five Changes, each head of which was written to the file."""
    file = tmp_path / "witness.log"
    witness = WitnessFile(file)
    async with signing(dsns.books) as journal, connected(dsns.books) as connection:
        for change in (key_listed(), *(credited(ALICE, n) for n in (1, 2, 3, 4))):
            await journal.commit(change)
            head = await current_head(connection)
            assert head is not None
            witness.add(head)
            witness.add(head)
    return dsns, file


def heads_of(file: Path) -> list[tuple[int, SignedHead]]:
    return list(read_heads(file.read_text().splitlines(keepends=True)))


async def compared(dsns: Dsns, file: Path) -> int:
    async with connected(dsns.books) as connection:
        return await compare_witness(connection, file)


async def test_each_head_is_written_once_and_is_on_record(witnessed: tuple[Dsns, Path]) -> None:
    dsns, file = witnessed
    assert len(file.read_text().splitlines()) == 5
    assert await compared(dsns, file) == 5
    assert check_lines(heads_of(file), [KEY.id]) == 5
    assert WitnessFile(file).last() == heads_of(file)[-1][1]


async def test_crs_08_a_journal_that_lost_its_end_is_noticed(witnessed: tuple[Dsns, Path]) -> None:
    dsns, file = witnessed
    async with connected(dsns.owner) as owner:
        for table in ("journal", "transfers"):
            await owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            await owner.execute(f"DELETE FROM {table} WHERE seq = 5")
        await owner.execute("UPDATE journal_head SET seq = 4, hash = (SELECT hash FROM journal WHERE seq = 4)")
    with pytest.raises(HeadMissing, match=r"journal row 5 .* ends with row 4"):
        await compared(dsns, file)


async def test_aud_06_a_chain_that_was_written_anew_with_the_key_itself_is_noticed(
    witnessed: tuple[Dsns, Path],
) -> None:
    dsns, file = witnessed
    async with connected(dsns.owner) as owner:
        await write_anew(owner, 3, '"actor":"node"', '"actor":"nobody"', KEY)
    with pytest.raises(HeadForked, match="journal row 3 "):
        await compared(dsns, file)


async def test_aud_06_the_file_alone_tells_of_forged_reordered_and_backdated_heads(
    witnessed: tuple[Dsns, Path],
) -> None:
    _, file = witnessed
    heads = [head for _, head in heads_of(file)]

    def refused(*lines: SignedHead, keys: tuple[str, ...] = (KEY.id,)) -> str:
        with pytest.raises(LineRefused) as caught:
            check_lines(enumerate(lines, start=1), keys)
        return str(caught.value)

    assert "does not cover" in refused(replace(heads[0], hash=heads[1].hash))
    assert "does not cover" in refused(replace(heads[0], at=heads[0].at + timedelta(microseconds=1)))
    assert "is signed by" in refused(heads[0], keys=(STOLEN_NAME.id,))
    assert "is not signed" in refused(replace(heads[0], signature=None))
    assert "went back or was forked" in refused(heads[1], heads[0])
    assert "went back or was forked" in refused(heads[0], replace(heads[1], seq=heads[0].seq))
    assert "the time went back" in refused(heads[1], replace(heads[0], seq=9))


@pytest.mark.parametrize("line", ["{}", '{"at":1}', "x}", json.dumps({"at": "x", "head": "zz", "seq": 1}) + "\n"])
async def test_a_line_that_says_nothing_is_refused(line: str) -> None:
    with pytest.raises(LineRefused):
        list(read_heads([line]))


async def test_a_line_that_a_power_failure_cut_is_passed_over_and_the_next_is_whole(
    witnessed: tuple[Dsns, Path],
) -> None:
    dsns, file = witnessed
    last = heads_of(file)[-1][1]
    file.write_bytes(file.read_bytes()[:-40])
    assert len(heads_of(file)) == 4
    WitnessFile(file).add(last)
    assert [head for _, head in heads_of(file)][-1] == last
    assert await compared(dsns, file) == 5


async def test_no_file_contradicts_nothing(dsns: Dsns, tmp_path: Path) -> None:
    assert await compared(dsns, tmp_path / "none") == 0


async def test_crs_13_a_database_replaced_by_an_older_one_stops_every_asset(dsns: Dsns, tmp_path: Path) -> None:
    """The worker that finds the newest head missing pauses all; nothing leaves any more."""
    file = tmp_path / "witness.log"
    async with running_world(dsns, tmp_path) as world:
        await witness_head(world.context, dsns.books, WitnessFile(file))
        kept = heads_of(file)[-1][1]
        assert await _paused(world) == set()
        WitnessFile(file).add(replace(kept, seq=kept.seq + 100, hash=bytes(32)))
        await witness_head(world.context, dsns.books, WitnessFile(file))
        assert await _paused(world) == set(world.context.assets)
        with pytest.raises(AssetPaused, match="its tail was lost"):
            await world.context.unpaused(world.context.asset("EUR"))
        async with connected(dsns.books) as connection:
            with pytest.raises(HeadMissing):
                await compare_witness(connection, file)


async def test_crs_13_a_node_that_starts_on_an_older_database_pauses_every_asset(dsns: Dsns, tmp_path: Path) -> None:
    file = tmp_path / "witness.log"
    async with running_world(dsns, tmp_path) as world:
        await witness_head(world.context, dsns.books, WitnessFile(file))
        assert await stop_if_contradicted(file, world.context, dsns) is None
        assert await _paused(world) == set()
        kept = heads_of(file)[-1][1]
        WitnessFile(file).add(replace(kept, hash=bytes(32)))
        reason = await stop_if_contradicted(file, world.context, dsns)
        assert reason is not None
        assert "forked or written anew" in reason
        assert await _paused(world) == set(world.context.assets)


async def test_aud_06_a_witness_that_was_away_goes_on_when_it_is_back(dsns: Dsns, tmp_path: Path) -> None:
    """Nothing else stops meanwhile, and what was lost in between is still noticed."""
    file = tmp_path / "mount" / "witness.log"
    witness = WitnessFile(file)
    async with running_world(dsns, tmp_path) as world:
        with pytest.raises(FileNotFoundError):
            await witness_head(world.context, dsns.books, witness)
        await world.customer("ann")
        file.parent.mkdir()
        await witness_head(world.context, dsns.books, witness)
        assert len(heads_of(file)) == 1
        file.unlink()
        file.parent.rmdir()
        await world.customer("ben")
        with pytest.raises(FileNotFoundError):
            await witness_head(world.context, dsns.books, witness)
        file.parent.mkdir()
        async with connected(dsns.owner) as owner:
            await owner.execute("ALTER TABLE journal DISABLE TRIGGER USER")
            kept = witness.last()
            assert kept is not None
            await owner.execute("UPDATE journal SET hash = sha256(hash) WHERE seq = $1", kept.seq)
        await witness_head(world.context, dsns.books, witness)
        assert await _paused(world) == set(world.context.assets)


async def test_stopping_twice_keeps_the_first_reason(dsns: Dsns, tmp_path: Path) -> None:
    async with running_world(dsns, tmp_path) as world:
        await stop_all_assets(world.context, "one")
        await stop_all_assets(world.context, "two")
        with pytest.raises(AssetPaused, match="one"):
            await world.context.unpaused(world.context.asset("EUR"))


async def _paused(world: World) -> set[str]:
    found = set()
    for symbol, asset in world.context.assets.items():
        try:
            await world.context.unpaused(asset)
        except AssetPaused:
            found.add(symbol)
    return found


async def test_heads_are_compared_in_many_portions(
    witnessed: tuple[Dsns, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    dsns, file = witnessed
    monkeypatch.setattr("wallet.proofs.witness.LOOKED_UP_AT_ONCE", 2)
    async with connected(dsns.books) as connection:
        assert await compare_heads(connection, heads_of(file)) == 5


async def test_before_the_first_batch_there_is_no_head_to_witness(dsns: Dsns) -> None:
    async with connected(dsns.books) as connection:
        assert await current_head(connection) is None


async def test_heads_of_rows_that_were_archived_are_left_to_the_archive(witnessed: tuple[Dsns, Path]) -> None:
    dsns, file = witnessed
    async with connected(dsns.owner) as owner:
        await owner.execute("INSERT INTO archives VALUES ('000000', 1, 1, 3, 'head', 'digest', now())")
        assert await compare_heads(owner, heads_of(file)) == 2
