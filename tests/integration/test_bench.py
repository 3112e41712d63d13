"""The measurement itself runs and ends with what docs/benchmarks.md describes. Its figures at this size mean nothing."""

import argparse
import gc
from collections.abc import Iterator

import pytest

from tests.bench import (
    address_book,
    addresses,
    catch_up,
    coin_selection,
    export,
    growth,
    history,
    http,
    latency,
    payouts_gas,
    rpc,
    scan_bitcoin,
    scan_evm,
    slow_disk,
    verify,
)
from tests.bench.journal import Plan, measure


@pytest.fixture
def own_collector() -> Iterator[None]:
    """The measurement settles the collector as a node does; the other tests keep theirs."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


async def test_the_measurement_of_derivation_runs_and_all_contenders_agree() -> None:
    told: list[str] = []
    figures = await addresses.measure(argparse.Namespace(rounds=2, count=100), told.append)
    assert figures["verified"]
    assert figures["btc_speedup"] > 1
    assert figures["evm_speedup"] > 1
    assert 0 < figures["share_of_limit"] <= 1
    assert len(told) == 2


async def test_the_measurement_of_coin_selection_runs_and_every_choice_pays() -> None:
    told: list[str] = []
    figures = await coin_selection.measure(argparse.Namespace(rounds=2, sizes=(10, 50), txs=2), told.append)
    assert figures["verified"]
    assert figures["ours_50_waste_units"] <= figures["draw_50_waste_units"]
    assert figures["ours_10_ms"] > 0
    assert len(told) == 4


@pytest.mark.whole
async def test_the_measurement_of_the_address_book_runs_and_the_book_is_right() -> None:
    told: list[str] = []
    figures = await address_book.measure(argparse.Namespace(rounds=1, addresses=200_000), told.append)
    assert figures["verified"]
    assert 0 < figures["memory_ratio"] < 1
    assert figures["startup_s"] > 0


@pytest.mark.whole
@pytest.mark.usefixtures("own_collector")
async def test_the_measurement_of_a_bitcoin_block_finds_what_the_block_pays() -> None:
    told: list[str] = []
    figures = await scan_bitcoin.measure(argparse.Namespace(rounds=1, txs=300, watched=1_000), told.append)
    assert figures["verified"]
    assert figures["speedup"] > figures["whole_speedup"] > 1
    assert len(told) == 1


async def test_the_measurement_of_the_rpc_client_asks_as_often_as_it_says() -> None:
    told: list[str] = []
    figures = await rpc.measure(argparse.Namespace(rounds=1, calls=200, callers=8), told.append)
    assert figures["verified"]
    assert figures["single_speedup"] > 1
    assert figures["batch_speedup"] > 1
    assert len(told) == 2


@pytest.mark.whole
async def test_the_measurement_of_a_catch_up_finds_every_payment() -> None:
    figures = await catch_up.measure(argparse.Namespace(rounds=2, blocks=200), lambda _: None)
    assert figures["verified"]
    assert figures["evm_blocks_per_s"] > 0
    assert figures["bitcoin_blocks_per_s"] > 0
    assert 0 < figures["waiting_share"] <= 1


@pytest.mark.whole
async def test_the_measurement_of_latency_hears_of_every_payment() -> None:
    figures = await latency.measure(argparse.Namespace(rounds=1, payments=4), lambda _: None)
    assert 0 < figures["p50_s"] <= figures["p99_s"] <= figures["max_s"]


@pytest.mark.whole
@pytest.mark.usefixtures("own_collector")
async def test_the_measurement_of_a_block_finds_what_the_block_pays() -> None:
    told: list[str] = []
    figures = await scan_evm.measure(argparse.Namespace(rounds=1, sizes=(1_000, 100_000)), told.append)
    assert figures["verified"]
    assert figures["speedup_1000"] > 1
    assert figures["speedup_100000"] > 1
    assert len(told) == 2


@pytest.mark.whole
@pytest.mark.usefixtures("own_collector")
async def test_the_journals_measurement_runs_and_verifies_its_books() -> None:
    told: list[str] = []
    figures = await measure(Plan(rounds=2, seconds=3, scale=4, accounts=300), told.append)
    assert figures["verified"]
    assert figures["settings"]["fsync"] == figures["settings"]["synchronous_commit"] == "on"
    ratios = {"ratio_200", "ratio_1000", "ratio_4000", "hot_over_cold", "vs_row_locks", "vs_row_locks_hot"}
    assert ratios | {"cold_200", "cold_1000", "hot_1000", "cold_4000", "pgbench_32", "half_of_peak"} <= set(figures)
    assert len(figures["ratios_by_round"]) == 2
    for name in ("cold_200", "cold_1000", "hot_1000"):
        assert figures[name]["per_s"] > 0
        assert figures[name]["p99_ms"] >= figures[name]["p50_ms"] > 0
    assert figures["verify"]["transfers"] >= 300
    assert any("round 2 of 2" in line for line in told)


@pytest.mark.whole
async def test_the_http_measurement_runs_and_verifies_its_books() -> None:
    told: list[str] = []
    options = argparse.Namespace(rounds=1, seconds=3, scale=4, accounts=300, connections=64)
    figures = await http.measure(options, told.append)
    assert figures["verified"]
    assert {"payments_ratio", "batch_ratio", "guard_ratio", "pgbench_8", "pgbench_32", "pgbench_128"} <= set(figures)
    for name in ("payments", "batches", "guard", "bare"):
        assert figures[name]["per_s"] > 0
        assert figures[name]["p99_ms"] >= figures[name]["p50_ms"] > 0
        assert figures[name]["server_us"] > 0


@pytest.mark.whole
async def test_the_measurement_under_commit_latency_proves_the_latency_and_its_books() -> None:
    told: list[str] = []
    options = argparse.Namespace(rounds=1, seconds=3, scale=4, accounts=300, waiting=100)
    figures = await slow_disk.measure(options, told.append)
    assert figures["verified"]
    assert figures["commit_ms"] >= slow_disk.COMMIT_MS
    assert figures["ratio_slow_disk"] > 0
    assert figures["pgbench_8"]["mean_ms"] >= slow_disk.COMMIT_MS
    assert figures["two_processes"]["waiting"] == figures["one_process"]["waiting"] == 200
    assert figures["two_processes"]["per_s"] > 0


@pytest.mark.whole
@pytest.mark.usefixtures("own_collector")
async def test_the_measurement_of_growth_fills_to_each_size_and_proves_it() -> None:
    told: list[str] = []
    options = argparse.Namespace(sizes=(1_000, 3_000), rounds=1, seconds=2, scale=1, accounts=100)
    figures = await growth.measure(options, told.append)
    assert [one["transfers"] for one in figures["sizes"]] == [1_000, 3_000]
    for one in figures["sizes"]:
        assert all(value > 0 for value in one.values()), one
        assert one["verify_entries_per_s"] * one["verify_s"] >= one["transfers"]


@pytest.mark.whole
async def test_the_export_measurement_runs_and_its_file_comes_to_the_balance() -> None:
    told: list[str] = []
    figures = await export.measure(argparse.Namespace(rounds=1, rows=3_000), told.append)
    assert figures["verified"]
    assert (figures["rows"], figures["rows_tenth"]) == (3_001, 300)
    assert 0 < figures["first_byte_share"] < 1


@pytest.mark.whole
@pytest.mark.usefixtures("own_collector")
async def test_the_measurement_of_proving_reads_every_row_both_ways() -> None:
    told: list[str] = []
    options = argparse.Namespace(rounds=1, entries=2_000, alone=30, accounts=100)
    figures = await verify.measure(options, told.append)
    assert figures["verified"]
    assert figures["entries"] == 2_000 + 2  # the asset's listing and the funding
    assert figures["rows"] >= 5 * 2_000  # journal, transfer, payment, request and viewers of each
    assert figures["share_of_select"] > 0
    assert figures["alone_entries_per_s"] > 0


@pytest.mark.whole
@pytest.mark.usefixtures("own_collector")
async def test_the_measurement_of_reading_finds_what_was_written_in_a_long_history() -> None:
    told: list[str] = []
    figures = await history.measure(argparse.Namespace(rounds=2, transfers=2_000, accounts=100), told.append)
    assert figures["verified"]
    assert len(figures["rounds"]) == 2
    assert figures["deep_page_ratio"] > 0
    assert figures["past_balance_ratio"] > 0
    assert any(line.startswith("round 2") for line in told)


async def test_the_measurement_of_payouts_pays_everybody_and_they_are_cheaper_together() -> None:
    told: list[str] = []
    figures = await payouts_gas.measure(argparse.Namespace(rounds=1, payees=5), told.append)
    assert figures["verified"]
    assert figures["erc20_existing_ratio"] < 1
    assert figures["ether_existing_ratio"] < 1 < figures["ether_new_ratio"]
