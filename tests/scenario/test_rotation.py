"""The drill of a hot key that may be known to others: another one pays, deposits go on, nobody loses anything (KEY-10)."""

import re
from pathlib import Path

import pytest

from node.commands.keys import hot_addresses
from node.database import Dsns
from node.devnet.networks import Devnet
from tests.scenario.house import BITCOIN, ETHEREUM, SEPA, House, open_house
from tests.scenario.paid_in import destination, funded, received, units
from wallet import schema
from wallet.errors import NotAllowed
from wallet.ids import NetworkId
from wallet.treasury.rotation import rotate_hot
from wallet.treasury.sources import house_address


def raise_hot(folder: Path, network: NetworkId) -> None:
    """What an operator does: the signer's own file names the next key."""
    file = folder / "signer.toml"
    written, changed = re.subn(rf"(\[networks\.{network}\]\n)", r"\1hot = 1\n", file.read_text(encoding="utf-8"))
    assert changed == 1
    file.write_text(written, encoding="utf-8")


async def seen(house: House, address: str, asset: str) -> int:
    network = house.context.network(ETHEREUM)
    final = await network.final()
    assert final is not None
    return (await network.observe([address], final)).units[asset]


async def test_key_10_deposits_go_on_while_the_hot_key_is_rotated(devnet: Devnet, dsns: Dsns, tmp_path: Path) -> None:
    folder = tmp_path / "node"
    async with open_house(devnet, dsns, folder) as house:
        owner, to = await funded(house, "DUSD", "100"), await destination(house, "DUSD")
        await house.withdraw(owner, ETHEREUM, "DUSD", "10", to)
        await house.settled()
        old = (await house_address(house.context, ETHEREUM)).address
        place = await house.address(owner, ETHEREUM)
    async with open_house(devnet, dsns, folder, reconfigure=lambda: raise_hot(folder, ETHEREUM)) as house:
        await house.withdraw(owner, ETHEREUM, "DUSD", "20", to)
        await house.turn()
        assert [row["state"] for row in await house.withdrawals()] == [
            "final",
            "requested",
        ]  # it waits, and is not rejected
        done = await rotate_hot(house.context, "test", ETHEREUM, "the drill")
        assert (done.previous, (await house_address(house.context, ETHEREUM)).address) == (old, done.address)
        assert await house.address(owner, ETHEREUM) == place
        await devnet.outside.mint_dev_dollars(place, 5_000_000)
        await house.settled()
        assert await received(house, "DUSD", to) == units(house, "DUSD", "30")
        (rotation,) = await house.rows(schema.hot_rotations)
        assert rotation["emptied_at"] is not None
        assert await seen(house, old, "DUSD") == 0
        last = [row for row in await house.submissions() if row["purpose"] == "withdrawal"][-1]
        assert last["source"] == done.address
        assert (await house.deposits())[-1]["swept_by"] is not None
        assert [one.state for one in await hot_addresses(house.context, ETHEREUM)] == ["pays", "retired"]
        await house.prove()


async def test_key_10_change_returns_to_the_new_address_and_old_coins_are_spent(
    devnet: Devnet, dsns: Dsns, tmp_path: Path
) -> None:
    folder = tmp_path / "node"
    async with open_house(devnet, dsns, folder) as house:
        owner, to = await funded(house, "BTC", "1"), await destination(house, "BTC")
        await house.withdraw(owner, BITCOIN, "BTC", "0.4", to)
        await house.settled()
        old = (await house_address(house.context, BITCOIN)).address
    async with open_house(devnet, dsns, folder, reconfigure=lambda: raise_hot(folder, BITCOIN)) as house:
        done = await rotate_hot(house.context, "test", BITCOIN, "the drill")
        await house.withdraw(owner, BITCOIN, "BTC", "0.2", to)
        await house.settled()
        coins = {(row["address"], row["state"]) for row in await house.rows(schema.utxos)}
        assert (old, "spent") in coins
        assert (done.address, "free") in coins
        assert (old, "free") not in coins
        await house.prove()


async def test_a_rotation_needs_the_signers_file_to_name_another_key(house: House) -> None:
    with pytest.raises(NotAllowed, match="raise `hot`"):
        await rotate_hot(house.context, "test", ETHEREUM, "too early")
    with pytest.raises(NotAllowed, match="reason"):
        await rotate_hot(house.context, "test", ETHEREUM, " ")
    with pytest.raises(NotAllowed, match="no hot key"):
        await rotate_hot(house.context, "test", SEPA, "a bank")
    assert await house.rows(schema.hot_rotations) == []
