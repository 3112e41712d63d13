"""Stop while payments are on their way; and a drain by somebody who holds everything but the operators' keys."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from chains.signer.local import LocalSigner
from chains.signer.people.acts import RESUME, act_digest, resume_fields
from chains.signer.settings import read_settings
from chains.signer.start import open_signer
from node.commands.acting import sign_digest
from node.config import read_config
from node.database import Dsns
from node.devnet.networks import Devnet, write_configuration
from tests.scenario.house import ETHEREUM, House, open_house
from tests.scenario.paid_in import fresh_ethereum_address, funded
from wallet import schema
from wallet.ports import Approval, Destination, Signed, SignRequest
from wallet.stops.mirror import mirror_stops
from wallet.stops.stop import stop_signing
from wallet.withdrawals.states import Wait
from wallet.withdrawals.waiting import waits_for

ETHER = 10**18
LIMITS = (
    ('submission_max = "10"\nwindow_max = "50"\n', 'submission_max = "0.1"\nwindow_max = "1"\nhour_max = "0.5"\n'),
    ('fee_window_max = "1"', 'fee_window_max = "0.2"'),
)
HOUR_MAX = ETHER >> 1


def the_signer(devnet: Devnet, folder: Path) -> LocalSigner:
    file = write_configuration(devnet, folder, "127.0.0.1:1")
    signer = open_signer(read_settings(read_config(file, {}).path("signer.toml")))
    assert isinstance(signer, LocalSigner)
    return signer


def signatures(folder: Path) -> int:
    """As the signer's memory tells: its lines of signatures."""
    lines = (folder / "signer" / "memory.log").read_bytes().splitlines()[1:]
    return sum(b'{"control":' not in line for line in lines)


def resume(signer: LocalSigner, folder: Path, scope: str = "all") -> bool:
    """By both of the operators whom a development signer made."""
    stop, done = signer.desk.controls.stops[scope], False
    digest = act_digest(RESUME, signer.desk.controls.challenge, resume_fields(scope, stop.at, stop.why))
    for name in ("dev-1", "dev-2"):
        signed = sign_digest(folder / "signer" / "operators" / f"{name}.key", digest.hex())
        done = signer.desk.resume(scope, "looked into", Approval(signed.key, signed.signature)).done
    return done


@pytest.mark.parametrize("in_flight", [10, pytest.param(100, marks=pytest.mark.whole)])
async def test_wdr_16_a_stop_while_many_are_in_flight_holds_over_a_restart(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_flight: int
) -> None:
    folder, signed_before = tmp_path / "node", in_flight // 5
    signer, acknowledged = the_signer(devnet, folder), list[int]()
    async with open_house(devnet, dsns, folder, signer) as house:
        owner = await funded(house, "ETH", "1")
        for _ in range(in_flight):
            await house.withdraw(owner, ETHEREUM, "ETH", "0.001", Destination(fresh_ethereum_address()))
        sign, before = signer.sign, signatures(folder)

        async def stopped_after_some(request: SignRequest) -> Signed:
            signed = await sign(request)
            if signatures(folder) == before + signed_before:
                await stop_signing(house.context, "test", "all", "a drill")
                acknowledged.append(signatures(folder))
            return signed

        monkeypatch.setattr(signer, "sign", stopped_after_some)
        for _ in range(4):
            await house.turn(ETHEREUM)
        assert acknowledged == [before + signed_before], "the stop was given while they were on their way"
        assert signatures(folder) == acknowledged[0]
        await are_told(house, in_flight - signed_before)
    signer.close()
    signer = the_signer(devnet, folder)
    async with open_house(devnet, dsns, folder, signer) as house:
        for _ in range(4):
            await house.turn(ETHEREUM)
        assert signatures(folder) == acknowledged[0], "nor after a restart"
        assert resume(signer, folder)
        await mirror_stops(house.context)
        await house.settled()
        assert {row["state"] for row in await house.withdrawals()} == {"final"}
        assert signatures(folder) >= before + in_flight
        await house.prove()
    signer.close()


async def are_told(house: House, count: int) -> None:
    """Customers read that it is stopped; the assets are paused for that reason."""
    waits = await waits_for(house.context, await house.withdrawals())
    assert sum(wait is Wait.STOPPED for wait in waits.values()) >= count
    assert {row["pause_reason"] for row in await house.rows(schema.assets)} == {"stopped by operators: a drill"}


@contextlib.contextmanager
def narrow(devnet: Devnet, folder: Path) -> Iterator[LocalSigner]:
    file = write_configuration(devnet, folder, "127.0.0.1:1").with_name("signer.toml")
    text = file.read_text()
    for old, new in LIMITS:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)
    signer = open_signer(read_settings(file))
    assert isinstance(signer, LocalSigner)
    yield signer
    signer.close()


async def test_wdr_17_and_key_06_with_the_whole_database_no_more_leaves_than_the_signers_own_bounds(
    devnet: Devnet, dsns: Dsns, tmp_path: Path
) -> None:
    """The database's owner makes every small withdrawal the largest that is signed, and all of them his own."""
    folder, thief = tmp_path / "node", fresh_ethereum_address()
    with narrow(devnet, folder) as signer:
        async with open_house(devnet, dsns, folder, signer) as house:
            owner = await funded(house, "ETH", "3")
            before = await balance(house, await house.hot(ETHEREUM))
            for _ in range(30):
                await house.withdraw(owner, ETHEREUM, "ETH", "0.001", Destination(fresh_ethereum_address()))
            await rewritten(dsns, thief)
            for _ in range(6):
                with contextlib.suppress(Exception):  # books that were edited by hand may stop the node: all the better
                    await house.turn(ETHEREUM)
            stolen = await balance(house, thief)
            left = before - await balance(house, await house.hot(ETHEREUM))
            assert stolen > 0, "the attack reached the signer, or this test shows nothing"
            assert left <= HOUR_MAX, "what left, fees included"
            assert [(one.scope, one.by) for one in (await signer.status()).stops] == [("asset:ETH", "breaker")]
            await mirror_stops(house.context)
            assert next(row["paused"] for row in await house.rows(schema.assets) if row["id"] == "ETH")


async def balance(house: House, address: str) -> int:
    return int(await house.devnet.anvil.rpc("eth_getBalance", address, "latest"), 16)


async def rewritten(dsns: Dsns, thief: str) -> None:
    connection = await asyncpg.connect(dsns.owner)
    try:
        changed: Any = await connection.execute(
            "UPDATE withdrawals SET units = $1::text::numeric, destination = $2 WHERE state = 'requested'",
            str(ETHER // 10),
            thief,
        )
        assert changed == "UPDATE 30"
    finally:
        await connection.close()
