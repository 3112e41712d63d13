"""A withdrawal that cannot go on, whoever made it so, stops no other."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select

from tests.fakes.network import FakeNetwork
from tests.fakes.world import BITCOIN, BTC, DUSD, ETH, ETHEREUM, World
from wallet import schema
from wallet.assets.pause import pause_asset
from wallet.context import ACTOR_NODE
from wallet.customers.freeze import freeze_customer
from wallet.ids import CustomerId
from wallet.journal.change import Request
from wallet.money import Amount, parse_amount
from wallet.ports import (
    Branch,
    Destination,
    Fee,
    FileSource,
    Ground,
    Instruction,
    Network,
    NetworkUnreachable,
    NonceSource,
    Signed,
    SignerRefused,
    SignRequest,
    Unsigned,
    UtxoSource,
)
from wallet.treasury.drive import drive_submissions
from wallet.withdrawals.pay import pay_withdrawals
from wallet.withdrawals.request import request_withdrawal


async def ask(world: World, owner: CustomerId, amount: Amount, target: str, times: int = 1) -> None:
    network = next(n for n in world.networks.values() if amount.asset in n.assets)
    for number in range(times):
        request = Request(owner, "withdrawal.request", f"{target}-{number}", target.encode())
        await request_withdrawal(
            world.context, ACTOR_NODE, owner, network.id, amount, Destination(target, "Name"), request
        )


async def pay(world: World, network: Network) -> None:
    await drive_submissions(world.context, network)
    await pay_withdrawals(world.context, network)


async def test_a_frozen_customers_many_requests_do_not_fill_the_queue(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wallet.withdrawals.pay.STEP_MAX", 3)
    mallory, bob = await world.customer("mallory"), await world.customer("bob")
    for owner in (mallory, bob):
        await world.fund(owner, "BTC", "1")
    await ask(world, mallory, parse_amount("0.0001", BTC), "many", times=4)
    await freeze_customer(world.context, ACTOR_NODE, mallory, "a test")
    await ask(world, bob, parse_amount("0.1", BTC), "bobs-own")
    await pay(world, world.networks[BITCOIN])
    assert [tx.pays[0][0] for tx in world.networks[BITCOIN].pool.values()] == ["bobs-own"]


async def test_requests_in_a_paused_asset_do_not_fill_the_queue(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wallet.withdrawals.pay.STEP_MAX", 3)
    chain, bob = await funded_on_ethereum(world)
    await ask(world, bob, parse_amount("0.000001", DUSD), "tokens", times=4)
    await pause_asset(world.context, ACTOR_NODE, "DUSD", "a test")
    await ask(world, bob, parse_amount("0.1", ETH), "bobs-own")
    await pay(world, chain)
    assert [tx.pays[0][0] for tx in chain.pool.values()] == ["bobs-own"]


_build = FakeNetwork.build


async def _baffled(
    network: FakeNetwork, instructions: Sequence[Instruction], source: NonceSource | UtxoSource | FileSource, fee: Fee
) -> Unsigned:
    """Answers, but with words about one contract that nobody understands."""
    if instructions[0].destination.address == "trap":
        raise NetworkUnreachable("EVM error NobodyKnowsThisOne (code -32603)")
    return await _build(network, instructions, source, fee)


async def test_payments_that_the_network_has_no_answer_to_do_not_stop_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, bob = await funded_on_ethereum(world)
    await ask(world, bob, parse_amount("0.000001", ETH), "trap", times=5)
    await ask(world, bob, parse_amount("0.1", ETH), "bobs-own")
    monkeypatch.setattr(FakeNetwork, "build", _baffled)
    await pay(world, chain)
    assert [tx.pays[0][0] for tx in chain.pool.values()] == ["bobs-own"]


async def test_a_network_that_is_away_is_not_asked_for_every_withdrawal(world: World) -> None:
    chain, bob = await funded_on_ethereum(world)
    await ask(world, bob, parse_amount("0.000001", ETH), "somewhere", times=2)
    chain.silent = True
    with pytest.raises(NetworkUnreachable):
        await pay(world, chain)


async def test_forgotten_submissions_that_the_network_refuses_now_do_not_stop_new_ones(world: World) -> None:
    chain, bob = await funded_on_ethereum(world)
    await ask(world, bob, parse_amount("0.000001", ETH), "cheap", times=4)
    await pay(world, chain)
    chain.pool.clear()
    chain.rejecting = "mempool min fee not met"
    await ask(world, bob, parse_amount("0.1", ETH), "bobs-own")
    await pay(world, chain)
    assert [signed.payload.count(b"bobs-own") for signed in world.signer.signed.values()] == [0, 0, 0, 0, 1]


async def test_a_limit_used_up_between_check_and_signature_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reserved nonce that is given up blocks every later one; the window moves on by itself."""
    chain, bob = await funded_on_ethereum(world)
    await ask(world, bob, parse_amount("0.1", ETH), "bobs-own")
    with monkeypatch.context() as patch:
        patch.setattr(type(world.signer), "sign", _window_used_up)
        await pay(world, chain)
        assert not chain.pool
    await pay(world, chain)
    assert [tx.pays[0][0] for tx in chain.pool.values()] == ["bobs-own"]


async def test_a_pause_that_comes_while_a_withdrawal_is_begun_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, bob = await funded_on_ethereum(world)
    await ask(world, bob, parse_amount("0.1", ETH), "bobs-own")

    async def paused_meanwhile(_signer: object, _request: SignRequest) -> None:
        await pause_asset(world.context, ACTOR_NODE, "ETH", "a test")

    monkeypatch.setattr(type(world.signer), "check", paused_meanwhile)
    await pay(world, chain)
    rows = await world.context.all(select(schema.submissions.c.id))
    assert (rows, world.signer.signed) == ([], {})


async def _window_used_up(_signer: object, _request: SignRequest) -> Signed:
    raise SignerRefused("the window is used up", Ground.WINDOW)


async def funded_on_ethereum(world: World) -> tuple[FakeNetwork, CustomerId]:
    """Bob has ether and tokens, and the house enough at the hot address to pay them."""
    bob, chain = await world.customer("bob"), world.networks[ETHEREUM]
    hot = chain.derive(Branch.HOUSE, 0).address
    for text, asset in (("2", ETH), ("10", DUSD)):
        chain.pay_in(hot, parse_amount(text, asset))
        await world.fund(bob, asset.symbol, "1")
    return chain, bob
