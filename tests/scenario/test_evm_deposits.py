"""A chain that takes back what was final: the asset stops, a person looks, and it goes on."""

import pytest

from node.devnet.anvil import Anvil
from node.workers.follow_network import follow_network
from tests.scenario.house import ETHEREUM, House
from tests.scenario.paid_in import figures, fresh_ethereum_address, pay_in
from wallet import schema
from wallet.assets.pause import resume_asset
from wallet.breaks.open import reconcile_network
from wallet.breaks.resolve import resolve_break
from wallet.errors import AmountRefused, AssetPaused
from wallet.ids import CustomerId
from wallet.ports import Destination

ETHER = 10**18
DOLLAR = 10**6


async def look(house: House, blocks: int = 1) -> None:
    """A block and a look each, with nothing swept or paid: what is taken back holds deposits alone."""
    for _ in range(blocks):
        await house.devnet.anvil.mine()
        await follow_network(house.context, house.context.networks[ETHEREUM])


async def pay_raw(anvil: Anvil, address: str) -> tuple[str, int]:
    """One ether from outside in a block of its own: the signed bytes, to be sent again, and the block's height."""
    receipt = await anvil.receipt(await anvil.pay(address, ETHER, account=4))
    height = receipt["blockNumber"]
    return str(await anvil.rpc("eth_getRawTransactionByBlockNumberAndIndex", height, "0x0")), int(height, 16)


async def take_back(anvil: Anvil, height: int) -> None:
    """Every block from this height is replaced by an empty one."""
    tip = int(await anvil.rpc("eth_blockNumber"), 16)
    await anvil.rpc("anvil_reorg", tip - height + 1, [])


async def deposits_of(house: House, asset: str) -> list[str]:
    return [row["state"] for row in await house.deposits() if row["asset"] == asset]


async def credited_and_taken_back(house: House, alice: CustomerId) -> str:
    """Returns the raw tx behind a deposit that was credited and is in no block any more."""
    anvil = house.devnet.anvil
    raw, height = await pay_raw(anvil, await house.address(alice, ETHEREUM))
    await look(house, 4)
    assert await figures(house, alice, "ETH") == (ETHER, 0)
    await take_back(anvil, height)
    await look(house)
    return raw


async def test_dpe_06_a_reorg_after_credit_stops_this_asset_alone_until_a_person_lets_it_go_on(house: House) -> None:
    alice, to = await house.customer("alice"), Destination(fresh_ethereum_address())
    await credited_and_taken_back(house, alice)
    paused = {row["id"]: row["pause_reason"] for row in await house.rows(schema.assets) if row["paused"]}
    assert list(paused) == ["ETH"]
    assert "after deposit" in paused["ETH"]
    await pay_in(house, alice, "ETH", "2")
    await pay_in(house, alice, "DUSD", "5")
    await look(house, 4)
    assert await deposits_of(house, "ETH") == ["credited", "confirming"]
    assert await deposits_of(house, "DUSD") == ["credited"]
    assert await figures(house, alice, "ETH") == (ETHER, 0)
    with pytest.raises(AssetPaused):
        await house.withdraw(alice, ETHEREUM, "ETH", "0.5", to)
    await house.withdraw(alice, ETHEREUM, "DUSD", "1", to)
    assert await figures(house, alice, "DUSD") == (4 * DOLLAR, DOLLAR)
    (found,) = await reconcile_network(house.context, house.context.networks[ETHEREUM], 0)
    await resolve_break(house.context, "test", found["id"], "the loss is the house's", book_loss=True)
    await resume_asset(house.context, "test", "ETH", "the loss is the house's")
    await look(house)
    assert await deposits_of(house, "ETH") == ["credited", "credited"]
    assert await figures(house, alice, "ETH") == (3 * ETHER, 0)


async def test_dpe_06_a_deposit_that_comes_back_after_its_credit_is_not_credited_again(house: House) -> None:
    alice = await house.customer("alice")
    raw = await credited_and_taken_back(house, alice)
    await house.devnet.anvil.receipt(await house.devnet.anvil.rpc("eth_sendRawTransaction", raw))
    await look(house, 4)
    await resume_asset(house.context, "test", "ETH", "it is in the chain again")
    await look(house, 4)
    assert await deposits_of(house, "ETH") == ["credited"]
    assert await figures(house, alice, "ETH") == (ETHER, 0)
    await house.step()
    await house.prove()


@pytest.mark.parametrize("depth", [1, 2])
async def test_dpe_06_a_chain_that_became_shorter_takes_its_deposits_with_it(house: House, depth: int) -> None:
    alice, anvil = await house.customer("alice"), house.devnet.anvil
    await look(house, 2)
    await pay_raw(anvil, await house.address(alice, ETHEREUM))
    await anvil.mine(depth - 1)
    await follow_network(house.context, house.context.networks[ETHEREUM])
    assert await deposits_of(house, "ETH") == ["detected" if depth == 1 else "confirming"]
    await anvil.rpc("anvil_rollback", depth)
    await look(house)
    assert await deposits_of(house, "ETH") == ["orphaned"]
    await look(house, 5)
    assert await deposits_of(house, "ETH") == ["orphaned"]
    assert await figures(house, alice, "ETH") == (0, 0)
    await house.step()
    await house.prove()


async def test_dust_is_shown_and_never_credited(house: House) -> None:
    """Credited at face value it would cost more to spend than it is worth, at everybody's expense."""
    alice = await house.customer("alice")
    await house.devnet.outside.send_ether(await house.address(alice, ETHEREUM), 9 * 10**12)
    for _ in range(5):
        await house.turn()
    (deposit,) = await house.deposits()
    assert (deposit["state"], deposit["reason"]) == ("quarantined", "dust")
    with pytest.raises(AmountRefused, match="moves at least"):
        await house.withdraw(alice, ETHEREUM, "ETH", "0.00009", Destination(await house.devnet.outside.address(9)))
    await house.prove()
