"""Two workers at once, without leases: what arrives is credited once, and what leaves is paid once."""

import asyncio
from pathlib import Path

from sqlalchemy import text

from chains.signer.settings import read_settings
from chains.signer.start import open_signer
from node.config import read_config
from node.database import Dsns
from node.devnet.networks import Devnet, write_configuration
from node.workers.follow_network import follow_network
from tests.scenario.house import ETHEREUM, STEPS_MAX, House, open_house
from tests.scenario.paid_in import NETWORK_OF, destination, figures, pay_in, received, units
from wallet import schema
from wallet.ids import CustomerId
from wallet.ports import Signer

PAID = {"EUR": "500.00", "BTC": "0.50000000", "ETH": "2.000000000000000000", "DUSD": "1000.000000"}


def one_signer(devnet: Devnet, folder: Path) -> Signer:
    return open_signer(
        read_settings(read_config(write_configuration(devnet, folder, "127.0.0.1:1"), {}).path("signer.toml"))
    )


async def both_step(*houses: House) -> None:
    """At the same moment and without leases, as after a lease has passed from one that still works to another."""
    found = await asyncio.gather(*(house.step() for house in houses), return_exceptions=True)
    for failure in found:
        if failure is not None:
            raise failure


async def credited_once(house: House, owner: CustomerId) -> None:
    deposits = await house.deposits()
    assert sorted((row["asset"], row["state"]) for row in deposits) == sorted((name, "credited") for name in PAID)
    assert {name: await house.available(owner, name) for name in PAID} == PAID
    made = [row for row in await house.context.all(CREDITS) if row["credit_account"].startswith(owner)]
    assert len(made) == len(PAID)
    await house.prove()


CREDITS = text("SELECT credit_account FROM transfers WHERE move = 'post'")


async def test_dpe_09_two_workers_a_restart_and_a_new_scan_credit_once(
    devnet: Devnet, dsns: Dsns, tmp_path: Path
) -> None:
    folder = tmp_path / "node"
    signer = one_signer(devnet, folder)
    async with open_house(devnet, dsns, folder, signer) as one, open_house(devnet, dsns, folder, signer) as other:
        alice = await one.customer("alice")
        for symbol, amount in PAID.items():
            await pay_in(one, alice, symbol, amount)
        for _ in range(8):
            await one.mine()
            await both_step(one, other)
        await credited_once(one, alice)
    async with open_house(devnet, dsns, folder, signer) as again:
        before = await again.rows(schema.deposits)
        await again.step()
        async with again.context.ops.begin() as connection:
            await connection.execute(text("DELETE FROM scan_cursors"))
            await connection.execute(text("DELETE FROM scanned_blocks"))
        for _ in range(2):
            await again.turn()
        assert await again.rows(schema.deposits) == before
        await credited_once(again, alice)


async def test_wdr_03_two_workers_that_take_the_same_withdrawals_pay_each_once(
    devnet: Devnet, dsns: Dsns, tmp_path: Path
) -> None:
    """The first payments that leave each place, so that not even a nonce is on record."""
    folder = tmp_path / "node"
    signer = one_signer(devnet, folder)
    async with open_house(devnet, dsns, folder, signer) as one, open_house(devnet, dsns, folder, signer) as other:
        alice = await one.customer("alice")
        await one.devnet.outside.send_ether(await one.hot(ETHEREUM), 4 * 10**18)
        for symbol, amount in PAID.items():
            await pay_in(one, alice, symbol, amount)
        for _ in range(STEPS_MAX):
            await one.mine()
            for name in one.context.networks:
                await follow_network(one.context, one.context.networks[name])
            if all([await figures(one, alice, symbol) == (units(one, symbol, PAID[symbol]), 0) for symbol in PAID]):
                break
        orders = {symbol: await destination(one, symbol) for symbol in ("EUR", "BTC", "ETH")}
        for symbol, to in orders.items():
            await one.withdraw(alice, NETWORK_OF[symbol], symbol, "0.1", to)
        for _ in range(12):
            await one.mine()
            await asyncio.to_thread(devnet.bank.work)
            await both_step(one, other)
        assert [row["state"] for row in await one.withdrawals()] == ["final"] * 3
        for symbol, to in orders.items():
            assert await received(one, symbol, to) == units(one, symbol, "0.1")
        paying = [row for row in await one.submissions() if row["purpose"] == "withdrawal"]
        assert len(paying) == 3
        await one.settled()
        await one.prove()
