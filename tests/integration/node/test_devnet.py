import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest

from node.devnet.anvil import Anvil, AnvilError, find_anvil
from node.devnet.bitcoind import Bitcoind, BitcoindError, find_bitcoind, wait_for_height
from node.devnet.debian import ProgramUnavailable
from node.processes import ChildEnded, attempts

RUNS_BOTH = """
import asyncio, sys
from pathlib import Path
from node.devnet.anvil import Anvil, find_anvil
from node.devnet.bitcoind import Bitcoind, find_bitcoind

async def main() -> None:
    folder = Path(sys.argv[1])
    anvil, bitcoind = Anvil(folder / "anvil", find_anvil()), Bitcoind(folder / "bitcoind", find_bitcoind(print))
    await anvil.start()
    await anvil.mine(7)
    await bitcoind.start()
    await bitcoind.mine(7)
    print(anvil.pid, bitcoind.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def parent_of_both(folder: Path) -> tuple[subprocess.Popen[str], list[int]]:
    parent = subprocess.Popen([sys.executable, "-c", RUNS_BOTH, str(folder)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, [int(pid) for pid in parent.stdout.readline().split()]


async def until(holds: Callable[[], Awaitable[bool]], within_s: float = 20.0) -> None:
    async for _ in attempts(within_s):
        if await holds():
            return
    raise TimeoutError("it never held")


# ── bitcoind ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_outside_wallet_pays_and_the_payment_is_mined(bitcoind: Bitcoind) -> None:
    tx = await bitcoind.pay(await bitcoind.new_address(), "0.5")
    assert tx in await bitcoind.rpc("getrawmempool")
    (block,) = await bitcoind.mine()
    assert tx in (await bitcoind.rpc("getblock", block))["tx"]


async def test_what_bitcoind_refuses_is_an_error_with_its_code(bitcoind: Bitcoind) -> None:
    with pytest.raises(BitcoindError, match="Block height out of range") as refused:
        await bitcoind.rpc("getblockhash", 10**6)
    assert refused.value.code == -8


async def test_the_miner_mines_by_itself(tmp_path: Path) -> None:
    mining = Bitcoind(tmp_path, find_bitcoind(print), block_time_s=0.1)
    await mining.start()
    await wait_for_height(mining, int(await mining.rpc("getblockcount")) + 3)
    await mining.stop()


async def test_chain_and_wallet_survive_a_stop_and_a_kill(tmp_path: Path) -> None:
    first = Bitcoind(tmp_path, find_bitcoind(print))
    await first.start()
    tx = await first.pay(await first.new_address(), "1")
    await first.mine()
    tip = await first.rpc("getbestblockhash")
    await first.stop()

    second = Bitcoind(tmp_path, find_bitcoind(print))
    await second.start()
    assert await second.rpc("getbestblockhash") == tip
    assert (await second.rpc("gettransaction", tx, wallet="outside"))["confirmations"] == 1
    await second.kill()

    third = Bitcoind(tmp_path, find_bitcoind(print))
    await third.start()
    assert int(await third.rpc("getblockcount")) >= 111
    await third.stop()


async def test_a_folder_in_use_is_refused_with_bitcoinds_own_words(bitcoind: Bitcoind) -> None:
    with pytest.raises(ChildEnded, match="lock"):
        await Bitcoind(bitcoind.folder, bitcoind.program).start()


# ── anvil ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_anvil_pays_and_finalises(anvil: Anvil) -> None:
    accounts = await anvil.accounts()
    receipt = await anvil.receipt(await anvil.pay(accounts[5], 10**18))
    assert receipt["status"] == "0x1"
    await anvil.mine(3)
    final = await anvil.rpc("eth_getBlockByNumber", "finalized", False)
    assert int(final["number"], 16) >= int(receipt["blockNumber"], 16)


async def test_what_anvil_refuses_is_an_error_with_its_code(anvil: Anvil) -> None:
    with pytest.raises(AnvilError) as refused:
        await anvil.rpc("eth_noSuchMethod")
    assert refused.value.code == -32601


async def test_anvil_makes_blocks_by_the_clock(tmp_path: Path) -> None:
    ticking = Anvil(tmp_path, find_anvil(), block_time_s=1)
    await ticking.start()

    async def two_blocks() -> bool:
        return int(await ticking.rpc("eth_blockNumber"), 16) >= 2

    await until(two_blocks)
    await ticking.stop()


async def test_the_ethereum_chain_survives_a_stop(tmp_path: Path) -> None:
    first = Anvil(tmp_path, find_anvil())
    await first.start()
    accounts = await first.accounts()
    paid = await first.receipt(await first.pay(accounts[5], 10**18))
    await first.stop()

    second = Anvil(tmp_path, find_anvil())
    await second.start()
    assert (await second.receipt(paid["transactionHash"]))["blockHash"] == paid["blockHash"]
    assert int(await second.rpc("eth_getBalance", accounts[5], "latest"), 16) == 10_001 * 10**18
    await second.stop()


async def test_a_kill_of_anvil_loses_seconds_not_the_chain(tmp_path: Path) -> None:
    first = Anvil(tmp_path, find_anvil())
    await first.start()
    paid = await first.receipt(await first.pay((await first.accounts())[5], 10**18))
    written = tmp_path / "state.json"
    await until(lambda: asyncio.to_thread(lambda: written.exists() and paid["blockHash"] in written.read_text()))
    await first.kill()

    second = Anvil(tmp_path, find_anvil())
    await second.start()
    assert (await second.receipt(paid["transactionHash"]))["blockHash"] == paid["blockHash"]
    await second.stop()


# ── both ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_networks_end_with_the_process_that_started_them_and_keep_their_chains(tmp_path: Path) -> None:
    parent, pids = parent_of_both(tmp_path)
    assert len(pids) == 2
    assert all(psutil.pid_exists(pid) for pid in pids)
    parent.kill()
    parent.communicate()

    async def both_gone() -> bool:
        return all(not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie" for pid in pids)

    await until(both_gone)
    anvil, bitcoind = Anvil(tmp_path / "anvil", find_anvil()), Bitcoind(tmp_path / "bitcoind", find_bitcoind(print))
    await anvil.start()
    assert int(await anvil.rpc("eth_blockNumber"), 16) == 7
    await anvil.stop()
    await bitcoind.start()
    assert await bitcoind.rpc("getblockcount") == 117
    await bitcoind.stop()


@pytest.mark.parametrize(
    ("variable", "find"), [("COFFER_ANVIL", find_anvil), ("COFFER_BITCOIND", lambda: find_bitcoind(print))]
)
def test_a_named_program_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, find: Callable[[], object]
) -> None:
    monkeypatch.setenv(variable, "/nowhere/at/all")
    with pytest.raises(ProgramUnavailable, match=variable):
        find()
