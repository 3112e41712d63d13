"""A chain that takes back what was final: its owner bears it, the network stops, a person looks, and it goes on."""

import pytest

from node.devnet.anvil import Anvil
from node.workers.follow_network import follow_network
from tests.scenario.house import ETHEREUM, House
from tests.scenario.paid_in import figures, fresh_ethereum_address, pay_in, units
from wallet import schema
from wallet.breaks.open import reconcile_network
from wallet.errors import AmountRefused
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.ledger.accounts import Flags
from wallet.money import parse_amount
from wallet.networks.halt import resume_network
from wallet.payments.send import send_payment
from wallet.ports import Destination

ETHER = 10**18


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


async def credited_and_taken_back(
    house: House, alice: CustomerId, spent: str = "0", bob: CustomerId | None = None
) -> str:
    """Returns the raw tx behind a deposit that was credited, in part spent, and is in no block any more."""
    anvil = house.devnet.anvil
    raw, height = await pay_raw(anvil, await house.address(alice, ETHEREUM))
    await look(house, 4)
    assert await figures(house, alice, "ETH") == (ETHER, 0)
    if units(house, "ETH", spent) and bob is not None:
        request = Request(alice, "payment.send", "spent", b"test")
        amount = parse_amount(spent, house.context.asset("ETH"))
        await send_payment(house.context, "test", alice, bob, amount, None, request)
    await take_back(anvil, height)
    await look(house)
    return raw


async def owing(house: House, owner: CustomerId, asset: str) -> int:
    rows = await house.context.all(schema.accounts.select().where(schema.accounts.c.owner == owner))
    found = [row for row in rows if (row["code"], row["asset"]) == ("receivable", asset)]
    return sum(row["debits_posted"] - row["credits_posted"] for row in found)


async def is_frozen(house: House, owner: CustomerId) -> bool:
    rows = await house.context.all(schema.accounts.select().where(schema.accounts.c.owner == owner))
    return any(row["flags"] & Flags.FROZEN for row in rows)


async def test_dpe_07_a_reorg_after_credit_halts_this_network_alone_until_a_person_lets_it_go_on(house: House) -> None:
    alice, to = await house.customer("alice"), Destination(fresh_ethereum_address())
    await credited_and_taken_back(house, alice)
    assert await deposits_of(house, "ETH") == ["charged_back"]
    assert await figures(house, alice, "ETH") == (0, 0)
    halted = {row["id"]: row["halt_reason"] for row in await house.rows(schema.networks) if row["halt_reason"]}
    assert list(halted) == ["ethereum"]
    assert "which it had called final" in halted["ethereum"]
    await pay_in(house, alice, "ETH", "2")
    await look(house, 4)
    assert await deposits_of(house, "ETH") == ["charged_back", "confirming"]
    assert await figures(house, alice, "ETH") == (0, 0)
    assert not [row for row in await house.rows(schema.assets) if row["paused"]]
    assert await reconcile_network(house.context, house.context.networks[ETHEREUM], 0) == []
    await resume_network(house.context, "test", "ethereum", "looked")
    await look(house)
    assert await deposits_of(house, "ETH") == ["charged_back", "credited"]
    assert await figures(house, alice, "ETH") == (2 * ETHER, 0)
    await house.withdraw(alice, ETHEREUM, "ETH", "0.5", to)
    await house.step()
    await house.prove()


@pytest.mark.parametrize("spent", ["0.4", *(pytest.param(spent, marks=pytest.mark.whole) for spent in ("0", "1"))])
async def test_dpe_07_a_deposit_that_comes_back_after_its_credit_repays_what_was_spent_once(
    house: House, spent: str
) -> None:
    alice, bob = await house.customer("alice"), await house.customer("bob")
    raw = await credited_and_taken_back(house, alice, spent, bob)
    gone = units(house, "ETH", spent)
    assert await figures(house, alice, "ETH") == (0, 0)
    assert await owing(house, alice, "ETH") == gone
    assert await is_frozen(house, alice) == (gone > 0)
    await house.prove()
    await house.devnet.anvil.receipt(await house.devnet.anvil.rpc("eth_sendRawTransaction", raw))
    await look(house, 4)
    await resume_network(house.context, "test", "ethereum", "it is in the chain again")
    await look(house, 4)
    assert await deposits_of(house, "ETH") == ["credited"]
    assert await figures(house, alice, "ETH") == (ETHER - gone, 0)
    assert await owing(house, alice, "ETH") == 0
    await house.step()
    await house.prove()


async def test_dpe_07_a_withdrawal_that_nobody_has_signed_is_cancelled_before_anything_is_owed(house: House) -> None:
    alice, anvil = await house.customer("alice"), house.devnet.anvil
    _, height = await pay_raw(anvil, await house.address(alice, ETHEREUM))
    await look(house, 4)
    await house.withdraw(alice, ETHEREUM, "ETH", "0.7", Destination(fresh_ethereum_address()))
    assert await figures(house, alice, "ETH") == (3 * ETHER // 10, 7 * ETHER // 10)
    await take_back(anvil, height)
    await look(house)
    (withdrawal,) = await house.withdrawals()
    assert withdrawal["state"] == "cancelled"
    assert withdrawal["reason"] == "deposit_taken_back"
    assert await figures(house, alice, "ETH") == (0, 0)
    assert await owing(house, alice, "ETH") == 0
    await house.prove()


async def test_dpe_07_a_deposit_that_was_swept_already_is_taken_from_where_the_books_have_it(house: House) -> None:
    """Its sweep was final too, and is gone with it; both come back."""
    alice, anvil = await house.customer("alice"), house.devnet.anvil
    raw, height = await pay_raw(anvil, await house.address(alice, ETHEREUM))

    async def all_final() -> bool:
        return [row["state"] for row in await house.submissions()] == ["final"]

    await house.until(all_final, ETHEREUM)
    await take_back(anvil, height)
    await look(house)
    assert await deposits_of(house, "ETH") == ["charged_back"]
    assert [row["state"] for row in await house.submissions()] == ["uprooted"]
    assert await figures(house, alice, "ETH") == (0, 0)
    await house.step()
    await house.prove()
    await anvil.receipt(await anvil.rpc("eth_sendRawTransaction", raw))
    await resume_network(house.context, "test", "ethereum", "it is in the chain again")
    await house.until(all_final, ETHEREUM)
    await look(house, 3)
    assert await deposits_of(house, "ETH") == ["credited"]
    assert await figures(house, alice, "ETH") == (ETHER, 0)
    await house.step()
    await house.prove()


@pytest.mark.parametrize("depth", [2, pytest.param(1, marks=pytest.mark.whole)])
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
