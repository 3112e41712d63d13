"""CRS-12: a backup taken while money moves, restored into an empty folder with nothing but what docs/running.md names."""

import asyncio
import json
import shutil
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from node.config import read_config
from node.devnet.networks import Devnet
from node.processes import attempts
from tests.nodes.client import Client
from tests.nodes.process import ENDED, Books, NodeProcess, open_customer
from tests.scenario.crashes.flows import FLOWS, Scene
from tests.scenario.house import with_bank
from wallet import schema
from wallet.vault.vault import RevealPurpose

MONEY = {"EUR": "1000.00", "BTC": "0.5", "ETH": "1", "DUSD": "100"}
AFTER_THE_CUT = {"ETH": "0.005", "DUSD": "0.5", "BTC": "0.002", "EUR": "3.21"}  # too small to be swept
WITHDRAWALS = ("withdraw_bitcoin", "withdraw_sepa", "withdraw_ether")
PAYERS = 4
QUIET_WITHIN_S = 60.0


@dataclass(slots=True)
class Load:
    """Payments without a pause while the block runs."""

    scene: Scene
    made: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        paying = [asyncio.create_task(self._pay(number)) for number in range(PAYERS)]
        try:
            yield
        finally:
            for task in paying:
                task.cancel()
            await asyncio.gather(*paying, return_exceptions=True)

    async def _pay(self, number: int) -> None:
        for count in range(100_000):
            body: dict[str, object] = {"to": "@bob", "asset": "EUR", "amount": "0.01"}
            self.made.append((await self.scene.alice.make("/v1/payments", body, f"load-{number}-{count}"))["id"])


async def coffer(config_file: Path, *words: str) -> Any:
    """A command as an operator gives it; what it prints as JSON."""
    command = (sys.executable, "-m", "node", *words, "--config", str(config_file))
    program = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    told, why = await program.communicate()
    assert program.returncode == 0, why.decode()
    return json.loads(told) if "--json" in words else told.decode()


async def opened(devnet: Devnet, node: NodeProcess, http: aiohttp.ClientSession) -> Scene:
    async with node.look() as books:
        operator = Client(http, node.url, await books.operator())
        alice, addresses = await open_customer(operator, "alice")
        bob, _ = await open_customer(operator, "bob")
        scene = Scene(devnet, node, http, alice, bob, bob, addresses)
        await scene.renew_outside()
        await scene.stock(books, MONEY)
    return scene


async def statements_of(books: Books) -> dict[str, bytes]:
    """What the bank gives again when it is asked."""
    rows = await books.rows(schema.statements)
    items = {row["file_item"] for row in rows}
    return {item: await books.context.reveal_bytes(item, RevealPurpose.READ_STATEMENT) for item in items}


async def chain(books: Books) -> dict[int, str]:
    rows = await books.context.all(schema.journal.select())
    return {row["seq"]: bytes(row["hash"]).hex() for row in rows}


async def received(scene: Scene) -> dict[str, int]:
    return {name: await scene.received(FLOWS[name]) for name in WITHDRAWALS}


def moved_to_an_empty_machine(devnet: Devnet, old: NodeProcess, folder: Path) -> NodeProcess:
    """What is not in the backup, and the documents say to keep: both configurations and the signer's folder. The rest goes."""
    folder.mkdir(mode=0o700)
    for name in ("coffer.toml", "signer.toml"):
        shutil.copy2(old.config_file.with_name(name), folder / name)
    shutil.copytree(old.config_file.with_name("signer"), folder / "signer")
    shutil.rmtree(
        old.config_file.parent.rename(folder.with_name("lost")), ignore_errors=True
    )  # its server is just ending
    return NodeProcess(folder / "coffer.toml", read_config(folder / "coffer.toml", {}), old.url)


async def quiet(books: Books) -> list[dict[str, Any]]:
    """Withdrawals once nothing more becomes of them: each has ended, or its asset stands still."""
    async for _ in attempts(QUIET_WITHIN_S, 0.2):
        paused = {row["id"] for row in await books.rows(schema.assets) if row["paused"]}
        rows = await books.rows(schema.withdrawals)
        if all(row["state"] in ENDED or row["asset"] in paused for row in rows):
            return rows
    raise AssertionError("withdrawals neither end nor stop")


@pytest.mark.whole
async def test_crs_12_a_backup_under_load_is_restored_whole_and_pays_nothing_twice(
    chains: Devnet, tmp_path: Path
) -> None:
    devnet = with_bank(chains, tmp_path)
    node = NodeProcess.beside(devnet, tmp_path / "node")
    async with aiohttp.ClientSession() as http:
        try:
            await node.start(http)
            scene = await opened(devnet, node, http)
            await _backed_up_and_gone_on(scene, tmp_path)
            async with node.look() as books:
                before, statements, deposits = (
                    await chain(books),
                    await statements_of(books),
                    await books.rows(schema.deposits),
                )
            outside = await received(scene)
            await node.kill()
            scene.node = node = moved_to_an_empty_machine(devnet, node, tmp_path / "again")
            await _restored(scene, tmp_path, before)
            await node.start(http)
            await _nothing_moves_before_a_person_looked(scene)
            for item, content in statements.items():
                (devnet.bank_folder / "in" / f"{item}.xml").write_bytes(content)
            for asset in MONEY:
                await coffer(node.config_file, "asset", "resume", asset, "compared")
            await _found_again(scene, deposits)
            assert await received(scene) == outside
        finally:
            await node.stop()


async def _backed_up_and_gone_on(scene: Scene, folder: Path) -> None:
    """Withdrawals of each kind before, during and after the copy; deposits after it; all of them come to their end."""
    load, config_file = Load(scene), scene.node.config_file
    async with load.running():
        for name in WITHDRAWALS:
            await scene.order(name, f"before-{name}")
        began = len(load.made)
        copying = asyncio.create_task(
            coffer(config_file, "backup", str(folder / "copy"), "--keys", str(folder / "keys"), "--json")
        )
        for name in WITHDRAWALS:
            await scene.order(name, f"during-{name}")
        await copying
        assert len(load.made) > began, "nothing moved while it was copied"
    for name in WITHDRAWALS:
        await scene.order(name, f"after-{name}")
    for asset, amount in AFTER_THE_CUT.items():
        await scene.pay_in(asset, amount)
    async with scene.node.look() as books, scene.blocks(None):
        await books.settled(scene.deposits, swept=False)


async def _restored(scene: Scene, folder: Path, before: dict[int, str]) -> None:
    """The same head as the books had at the cut, which came after the copy began and before what followed it."""
    words = ("restore", str(folder / "copy"), "--keys", str(folder / "keys"), "--json")
    proof = await coffer(scene.node.config_file, *words)
    noted = json.loads((folder / "copy" / "backup.json").read_text())
    assert before[proof["seq"]] == proof["head"]
    assert before[noted["seq"]] == noted["head"]
    assert noted["seq"] <= proof["seq"] < max(before) - 2 * len(AFTER_THE_CUT)


async def _nothing_moves_before_a_person_looked(scene: Scene) -> None:
    """A client that repeats a withdrawal which these books do not know is not paid a second time, either."""
    key = "after-withdraw_bitcoin"
    body = {
        "network": "bitcoin",
        "asset": "BTC",
        "amount": FLOWS["withdraw_bitcoin"].amount,
        "destination": {"address": scene.outside["bitcoin"]},
    }
    status, said = await scene.alice.insist("POST", "/v1/withdrawals", body, key)
    assert (status, said["code"]) == (409, "asset_paused")


async def _found_again(scene: Scene, before: list[dict[str, Any]]) -> None:
    """Each deposit once, under the name that its network gives it. Of an asset of which nothing left meanwhile it is credited
    as well; of the others the books say more than the networks hold, so that they stand still again."""
    async with scene.node.look() as books, scene.blocks(None):
        async for _ in attempts(QUIET_WITHIN_S, 0.2):
            rows = await books.rows(schema.deposits)
            states = {row["state"] for row in rows if row["asset"] == "DUSD"}
            if _named(rows) == _named(before) and states == {"credited"}:
                break
        assert _named(rows) == _named(before)
        assert states == {"credited"}, [(row["asset"], row["state"], row["reason"]) for row in rows]
        withdrawals = await quiet(books)
        assert {row["state"] for row in withdrawals} <= ENDED | {"requested", "approved", "signed", "submitted"}


def _named(rows: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Of customers. Change of a tx that these books do not know looks to them like money from outside for the house."""
    theirs = [row for row in rows if row["owner"] != "house"]
    return sorted((row["network"], row["identity"], row["asset"], str(row["units"])) for row in theirs)
