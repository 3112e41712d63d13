"""A customer is closed without money only; afterwards nothing moves there, and what still arrives is nobody's."""

from contextlib import nullcontext

import pytest

from node.database import Dsns
from tests.fakes.world import BITCOIN, BTC, EUR, SEPA, World
from tests.integration.wallet.changes import proven
from wallet import schema
from wallet.access.keys import Scope, authenticate
from wallet.addresses.assign import assign_address
from wallet.context import Record
from wallet.customers.close import close_customer
from wallet.customers.freeze import SHUT, freeze_customer, unfreeze_customer
from wallet.customers.sub_accounts import Wanted, create_sub_accounts
from wallet.deposits.attribute import attribute_deposit
from wallet.errors import AccountClosed, AccountNotEmpty, CustomerClosed, NotAllowed, NotFound
from wallet.ids import CustomerId
from wallet.journal import Change, EventKind
from wallet.journal.change import FlagChange
from wallet.ledger import templates
from wallet.ledger.accounts import Flags, customer_balance, hot
from wallet.money import Amount, Asset
from wallet.networks.open import list_asset


async def deposits(world: World) -> list[Record]:
    return await world.context.all(schema.deposits.select().order_by(schema.deposits.c.id))


async def paid(world: World, payer: CustomerId, payee: CustomerId, units: int) -> None:
    entry = templates.payment_sent(payer, payee, Amount(units, EUR))
    await world.context.journal.commit(Change("test", EventKind.PAYMENT_SENT, {}, entry=entry))


async def test_money_left_keeps_a_customer_open(dsns: Dsns, world: World) -> None:
    alice, bob = await world.customer("alice"), await world.customer("bob")
    await world.fund(alice, "EUR", "1.00")
    with pytest.raises(AccountNotEmpty):
        await close_customer(world.context, "test", "@alice", "left")
    await paid(world, alice, bob, 100)
    await close_customer(world.context, "test", "@alice", "left")
    with pytest.raises(AccountClosed):
        await paid(world, bob, alice, 100)
    with pytest.raises(CustomerClosed):
        await close_customer(world.context, "test", "@alice", "left")
    await proven(dsns.books)


async def test_a_debt_keeps_a_customer_open(world: World) -> None:
    alice = await world.customer("alice")
    await world.fund(alice, "EUR", "5.00")
    await paid(world, alice, await world.customer("bob"), 400)
    lost = templates.charged_back(alice, hot(SEPA, EUR), Amount(300, EUR))
    await world.context.journal.commit(Change("test", EventKind.DEPOSIT_CHARGED_BACK, {}, entry=lost))
    with pytest.raises(AccountNotEmpty, match="receivable"):
        await close_customer(world.context, "test", alice, "left")


async def test_a_deposit_on_its_way_keeps_a_customer_open(world: World) -> None:
    alice, network = await world.customer("alice"), world.networks[BITCOIN]
    address = await assign_address(world.context, "test", alice, BITCOIN)
    network.pay_in(str(address["address"]), Amount(5_000, BTC))
    network.mine()
    await world.look(BITCOIN)
    with pytest.raises(NotAllowed, match="on its way"):
        await close_customer(world.context, "test", alice, "left")


async def test_sub_accounts_keep_a_platform_open_and_a_closed_one_gets_no_address(world: World) -> None:
    platform = await world.customer("platform")
    (made,) = await create_sub_accounts(world.context, "test", platform, [Wanted("order-1")])
    with pytest.raises(NotAllowed, match="sub-accounts"):
        await close_customer(world.context, "test", platform, "left")
    await close_customer(world.context, "test", made.customer["id"], "left")
    with pytest.raises(CustomerClosed):
        await create_sub_accounts(world.context, "test", platform, [Wanted("order-1", (BITCOIN,))])
    await close_customer(world.context, "test", platform, "left")


async def test_keys_of_a_closed_customer_open_nothing(world: World) -> None:
    alice = await world.customer("alice")
    secret = await world.key(alice, Scope.READ)
    assert await authenticate(world.context, secret) is not None
    await close_customer(world.context, "test", alice, "left")
    assert await authenticate(world.context, secret) is None


async def test_a_closed_customer_is_neither_frozen_nor_opened_by_unfreezing(world: World) -> None:
    alice = await world.customer("alice")
    await close_customer(world.context, "test", alice, "left")
    for act in (freeze_customer, unfreeze_customer):
        with pytest.raises(CustomerClosed):
            await act(world.context, "test", alice, "why")
    with pytest.raises(NotFound):
        await close_customer(world.context, "test", "@nobody_here", "left")


async def test_dpb_08_what_arrives_for_a_closed_customer_waits_for_a_person(dsns: Dsns, world: World) -> None:
    alice, network = await world.customer("alice"), world.networks[BITCOIN]
    address = await assign_address(world.context, "test", alice, BITCOIN)
    await close_customer(world.context, "test", alice, "left")
    network.pay_in(str(address["address"]), Amount(5_000, BTC))
    network.mine(network.depth)
    await world.look(BITCOIN)
    (found,) = await deposits(world)
    assert (found["state"], found["reason"], found["owner"]) == ("quarantined", "unattributed", None)
    assert (found["address"], found["units"]) == (address["address"], 5_000)
    await proven(dsns.books)


async def test_dpb_08_a_deposit_that_was_under_way_at_the_closing_is_given_to_whom_a_person_names(world: World) -> None:
    """The closing looked just before it was seen: the books refuse the credit."""
    alice, bob, network = await world.customer("alice"), await world.customer("bob"), world.networks[BITCOIN]
    address = await assign_address(world.context, "test", alice, BITCOIN)
    network.pay_in(str(address["address"]), Amount(5_000, BTC))
    network.mine()
    await world.look(BITCOIN)
    shut = FlagChange(customer_balance(alice, BTC), Flags.NO_OVERDRAFT | SHUT)
    await world.context.journal.commit(Change("test", EventKind.CUSTOMER_CLOSED, {}, flags=(shut,)))
    network.mine(network.depth)
    await world.look(BITCOIN)
    (found,) = await deposits(world)
    assert (found["state"], found["reason"]) == ("quarantined", "account_closed")
    await attribute_deposit(world.context, "test", found["id"], bob, "alice says so")
    await world.look(BITCOIN)
    (found,) = await deposits(world)
    assert (found["state"], found["owner"]) == ("credited", bob)


async def test_nothing_is_attributed_to_a_closed_customer(world: World) -> None:
    alice, bob, network = await world.customer("alice"), await world.customer("bob"), world.networks[BITCOIN]
    address = await assign_address(world.context, "test", alice, BITCOIN)
    for closed in (alice, bob):
        await close_customer(world.context, "test", closed, "left")
    network.pay_in(str(address["address"]), Amount(5_000, BTC))
    network.mine()
    await world.look(BITCOIN)
    (found,) = await deposits(world)
    with pytest.raises(CustomerClosed):
        await attribute_deposit(world.context, "test", found["id"], bob, "why not")


async def test_an_asset_that_is_listed_later_is_shut_for_a_closed_customer_as_well(world: World) -> None:
    alice, bob = await world.customer("alice"), await world.customer("bob")
    await close_customer(world.context, "test", alice, "left")
    later = Asset("USD", 2)
    await list_asset(world.context, later)
    opened = templates.funding_received(SEPA, Amount(100, later))
    await world.context.journal.commit(Change("test", EventKind.FUNDING_RECEIVED, {}, entry=opened))
    for payee, refused in ((alice, pytest.raises(AccountClosed)), (bob, nullcontext())):
        entry = templates.deposit_credited(payee, SEPA, Amount(100, later), swept_later=False)
        with refused:
            await world.context.journal.commit(Change("test", EventKind.DEPOSIT_CREDITED, {}, entry=entry))
