"""A submission that no block takes is replaced at a higher fee: one payment, whichever of its variants is mined, and the books
say what that one cost."""

from dataclasses import replace
from typing import Any

import pytest

from api.v1.withdrawals import sent_txs
from tests.fakes.network import ACCOUNTS, FakeNetwork, Tx
from tests.fakes.world import DUSD, ETH, World
from tests.integration.wallet.withdrawals.test_poison import ask, funded_on_ethereum, pay
from tests.scenario.owing import available, exact
from wallet import schema
from wallet.assets.pause import pause_asset, resume_asset
from wallet.context import ACTOR_NODE
from wallet.ids import CustomerId
from wallet.money import Amount, parse_amount
from wallet.networks.halt import halt_network, resume_network
from wallet.notices import latest_notices
from wallet.ports import Bumping, FeeAbsurd, FeeTooHigh, Ground, NetworkError, SignerRefused, SignRequest
from wallet.treasury.urge import urge_submission

PAID = parse_amount("0.4", ETH)
AT_ONCE = Bumping(after_s=0, times=5)


async def stuck(world: World, *, bumping: Bumping = AT_ONCE) -> tuple[FakeNetwork, CustomerId]:
    """Bob's payment waits at a price that no block takes any more."""
    chain, bob = await funded_on_ethereum(world)
    chain.capabilities = replace(ACCOUNTS, bumping=bumping)
    await settled(world, chain)
    await ask(world, bob, PAID, "bobs-own")
    await pay(world, chain)
    chain.fee_units *= 3
    return chain, bob


async def settled(world: World, chain: FakeNetwork) -> None:
    for _ in range(chain.depth + 2):
        chain.mine()
        await world.look(chain.id)
        await pay(world, chain)


async def submission(world: World) -> dict[str, Any]:
    (found,) = await world.context.all(schema.submissions.select())
    return dict(found)


async def replacements(world: World) -> list[dict[str, Any]]:
    table = schema.replacements
    return [dict(row) for row in await world.context.all(table.select().order_by(table.c.number))]


async def state(world: World) -> str:
    (found,) = await world.context.all(schema.withdrawals.select())
    return str(found["state"])


async def told(world: World) -> list[str]:
    return [notice["reason"] for notice in await latest_notices(world.context)]


def payments(chain: FakeNetwork) -> list[Tx]:
    return [tx for tx in chain.txs.values() if tx.pays and tx.pays[0][0] == "bobs-own"]


async def bumped(world: World, chain: FakeNetwork, times: int) -> Tx:
    """Returns what was sent first."""
    (first,) = chain.pool.values()
    for _ in range(times):
        await pay(world, chain)
        chain.fee_units *= 2
    assert len(chain.pool) == 1
    return first


@pytest.mark.parametrize("mined", range(6))
async def test_wdr_04_bumped_five_times_whichever_is_mined_settles_at_what_it_cost(world: World, mined: int) -> None:
    chain, bob = await stuck(world)
    had = await available(world, bob, ETH)
    first = await bumped(world, chain, 5)
    rows = await replacements(world)
    assert [row["number"] for row in rows] == [1, 2, 3, 4, 5]
    assert len({row["fee_max"] for row in rows}) == 5
    variant = world.signer.signed[(await submission(world))["id"], mined]
    chain.pool.clear()
    chain.pool[variant.tx] = replace(first, id=variant.tx, fee=Amount(first_fee(first, rows, mined), ETH))
    await settled(world, chain)
    after = await submission(world)
    assert (await state(world), after["state"]) == ("final", "final")
    assert after["fee_paid"] == first_fee(first, rows, mined)
    assert (after["mined"] or after["tx"]) == variant.tx
    (withdrawal,) = await world.context.all(schema.withdrawals.select())
    txs = (await sent_txs(world.context, [withdrawal["id"]]))[withdrawal["id"]]
    assert (txs[-1], len(txs)) == (variant.tx, 6)
    assert len(payments(chain)) == 1
    assert await available(world, bob, ETH) == had
    assert await exact(world)


def first_fee(first: Tx, rows: list[dict[str, Any]], mined: int) -> int:
    assert first.fee is not None
    return int(rows[mined - 1]["fee_max"]) if mined else first.fee.units


async def test_wdr_04_all_variants_share_the_nonce_and_pay_the_same(world: World) -> None:
    chain, _ = await stuck(world)
    first = await bumped(world, chain, 5)
    (last,) = chain.pool.values()
    assert (last.consumes, last.pays) == (first.consumes, first.pays)
    assert last.id != first.id
    assert last.fee is not None
    assert first.fee is not None
    assert last.fee.units > first.fee.units


async def test_a_bump_is_bounded_and_operators_are_told(world: World) -> None:
    chain, _ = await stuck(world, bumping=Bumping(after_s=0, times=2))
    await bumped(world, chain, 6)
    assert len(await replacements(world)) == 2
    assert any("coffer submission bump" in reason for reason in await told(world))


async def test_what_pays_the_present_price_or_waits_not_long_enough_is_left_alone(world: World) -> None:
    chain, _ = await stuck(world, bumping=Bumping(after_s=3600, times=5))
    await bumped(world, chain, 3)
    assert await replacements(world) == []
    chain.capabilities = replace(ACCOUNTS, bumping=AT_ONCE)
    chain.fee_units = 1
    await pay(world, chain)
    assert await replacements(world) == []


async def test_an_operator_bumps_what_would_wait(world: World) -> None:
    chain, _ = await stuck(world, bumping=Bumping(after_s=3600, times=0))
    chain.fee_units = 1
    await urge_submission(world.context, "cli", (await submission(world))["id"])
    await pay(world, chain)
    await pay(world, chain)
    assert len(await replacements(world)) == 1
    await settled(world, chain)
    assert await state(world) == "final"
    assert await exact(world)


@pytest.mark.parametrize("trouble", [FeeTooHigh("above our cap"), FeeAbsurd("a base fee of nothing")])
async def test_wdr_11_a_fee_that_is_absurd_or_too_high_is_waited_for_and_told(
    world: World, trouble: NetworkError
) -> None:
    chain, _ = await stuck(world)
    chain.fee_trouble = trouble
    before = await submission(world)
    await bumped(world, chain, 3)
    assert await submission(world) == before
    assert await replacements(world) == []
    assert any(str(trouble) in reason for reason in await told(world))
    chain.fee_trouble = None
    await pay(world, chain)
    assert len(await replacements(world)) == 1


async def test_what_the_signer_refuses_in_the_dry_run_changes_nothing(world: World) -> None:
    chain, _ = await stuck(world)
    world.signer.refusing = "above the cap of fees"
    before = await submission(world)
    await bumped(world, chain, 2)
    assert await submission(world) == before
    assert any("above the cap of fees" in reason for reason in await told(world))


@pytest.mark.parametrize("ground", [Ground.POLICY, Ground.CONFLICT])
async def test_a_late_refusal_of_a_replacement_leaves_the_payment_as_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch, ground: Ground
) -> None:
    chain, _ = await stuck(world)
    refuses_to_sign(world, monkeypatch, ground)
    await pay(world, chain)
    assert [row["state"] for row in await replacements(world)] == ["refused"]
    paused = {row["id"] for row in await world.context.all(schema.assets.select()) if row["paused"]}
    assert paused == ({"ETH"} if ground is Ground.CONFLICT else set())
    await settled(world, chain)
    assert await state(world) == "final"
    assert await exact(world)


def refuses_to_sign(world: World, monkeypatch: pytest.MonkeyPatch, ground: Ground = Ground.POLICY) -> None:
    """From now on, and only after a dry run that said yes."""

    async def refuse(_signer: object, _request: SignRequest) -> None:
        raise SignerRefused("the policy is another one now", ground)

    monkeypatch.setattr(type(world.signer), "sign", refuse)


async def test_a_paused_asset_or_a_halted_network_is_not_bumped(world: World) -> None:
    chain, _ = await stuck(world)
    await pause_asset(world.context, ACTOR_NODE, "ETH", "a test")
    await bumped(world, chain, 1)
    await resume_asset(world.context, "test", "ETH", "a test")
    await halt_network(world.context, ACTOR_NODE, chain.id, "a test")
    await bumped(world, chain, 1)
    assert await replacements(world) == []
    await resume_network(world.context, "test", chain.id, "a test")
    await bumped(world, chain, 1)
    assert len(await replacements(world)) == 1


async def test_only_the_first_in_line_is_bumped(world: World) -> None:
    chain, bob = await stuck(world)
    chain.fee_units = 1_000
    await ask(world, bob, parse_amount("0.1", DUSD), "somewhere")
    await pay(world, chain)
    chain.fee_units = 5_000
    await pay(world, chain)
    (row,) = await replacements(world)
    lowest = min(
        await world.context.all(schema.submissions.select()), key=lambda one: int(one["consumes"][0].rpartition(":")[2])
    )
    assert row["submission"] == lowest["id"]


async def test_what_was_refused_for_its_price_is_replaced_before_it_ever_left(world: World) -> None:
    chain, bob = await funded_on_ethereum(world)
    chain.capabilities = replace(ACCOUNTS, bumping=AT_ONCE)
    await settled(world, chain)
    chain.rejecting = "transaction underpriced"
    await ask(world, bob, PAID, "bobs-own")
    await pay(world, chain)
    chain.fee_units *= 3
    await pay(world, chain)
    assert len(await replacements(world)) == 1
    assert await state(world) == "signed"
    chain.rejecting = None
    await settled(world, chain)
    assert await state(world) == "final"
    assert len(payments(chain)) == 1
    assert await exact(world)


@pytest.mark.parametrize("again", [0, 1, 2])
async def test_wdr_07_after_a_reorg_any_variant_of_ours_settles_it_once(world: World, again: int) -> None:
    """A reorg takes the block of one variant, and the new branch has the same or another one."""
    chain, _ = await stuck(world)
    first = await bumped(world, chain, 2)
    chain.mine()
    await pay(world, chain)
    assert await state(world) == "included"
    chain.reorg(1, forget=True)
    await pay(world, chain)
    assert await state(world) == "submitted"
    variant = world.signer.signed[(await submission(world))["id"], again]
    chain.pool.clear()
    chain.pool[variant.tx] = replace(first, id=variant.tx)
    chain.fee_units = 1
    await settled(world, chain)
    after = await submission(world)
    assert (await state(world), after["mined"] or after["tx"]) == ("final", variant.tx)
    assert len(payments(chain)) == 1
    assert await exact(world)


@pytest.mark.parametrize("again", [0, 1])
async def test_wdr_07_below_what_was_final_another_variant_corrects_only_the_fee(world: World, again: int) -> None:
    chain, bob = await stuck(world)
    first = await bumped(world, chain, 1)
    had = await available(world, bob, ETH)
    await settled(world, chain)
    dear = (await submission(world))["fee_paid"]
    chain.reorg(chain.depth + 2, forget=True)
    await world.look(chain.id)
    assert (await submission(world))["state"] == "uprooted"
    variant = world.signer.signed[(await submission(world))["id"], again]
    chain.pool[variant.tx] = replace(first, id=variant.tx, fee=Amount(dear, ETH) if again else first.fee)
    chain.mine(chain.depth + 1)
    await world.look(chain.id)
    await pay(world, chain)
    after = await submission(world)
    assert first.fee is not None
    assert (after["state"], after["fee_paid"]) == ("final", dear if again else first.fee.units)
    assert len(payments(chain)) == 1
    assert await available(world, bob, ETH) == had
    assert await exact(world)


async def test_wdr_05_what_the_signer_refuses_late_uses_up_its_nonce_and_the_money_is_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, bob = await funded_on_ethereum(world)
    await settled(world, chain)
    had = await available(world, bob, ETH)
    await ask(world, bob, PAID, "bobs-own")
    with monkeypatch.context() as patch:
        refuses_to_sign(world, patch)
        await pay(world, chain)
    stopped = await submission(world)
    assert stopped["state"] == "stopped"
    await world.context.unpaused(ETH)
    await pay(world, chain)
    (tx,) = chain.pool.values()
    assert (tx.pays, list(tx.consumes)) == ((), stopped["consumes"])
    assert (await submission(world))["state"] == "cancelling"
    assert await state(world) == "approved"
    await settled(world, chain)
    assert ((await submission(world))["state"], await state(world)) == ("dead", "failed")
    assert await available(world, bob, ETH) == had
    assert payments(chain) == []
    assert await exact(world)


async def test_wdr_05_a_self_cancel_that_is_stuck_is_bumped_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    chain, bob = await funded_on_ethereum(world)
    chain.capabilities = replace(ACCOUNTS, bumping=AT_ONCE)
    await settled(world, chain)
    await ask(world, bob, PAID, "bobs-own")
    with monkeypatch.context() as patch:
        refuses_to_sign(world, patch)
        await pay(world, chain)
    await pause_asset(
        world.context, ACTOR_NODE, "ETH", "all that comes after waits for this nonce: a pause must not stop it"
    )
    await pay(world, chain)
    await bumped(world, chain, 2)
    assert [row["purpose"] for row in await replacements(world)] == ["self_cancel"] * len(await replacements(world))
    assert len(await replacements(world)) >= 2
    await settled(world, chain)
    assert await state(world) == "failed"
    assert await exact(world)


@pytest.mark.parametrize("ground", [Ground.CONFLICT])
async def test_wdr_05_where_the_signers_memory_contradicts_the_books_nothing_is_cancelled(
    world: World, monkeypatch: pytest.MonkeyPatch, ground: Ground
) -> None:
    chain, bob = await funded_on_ethereum(world)
    await settled(world, chain)
    await ask(world, bob, PAID, "bobs-own")
    with monkeypatch.context() as patch:
        refuses_to_sign(world, patch, ground)
        await pay(world, chain)
    world.signer.refusing, world.signer.ground, world.signer.cancelling = "it is used up", Ground.CONFLICT, False
    await pay(world, chain)
    assert (await submission(world))["state"] == "stopped"
    assert not chain.pool
    assert any("used up" in reason for reason in await told(world))


async def test_wdr_05_a_nonce_that_somebody_else_used_stops_the_asset_and_the_count_catches_up(world: World) -> None:
    chain, bob = await stuck(world)
    (ours,) = chain.pool.values()
    chain.pool.clear()
    for place in range(3):
        name = f"{ours.consumes[0].rpartition(':')[0]}:{int(ours.consumes[0].rpartition(':')[2]) + place}"
        foreign = Tx(f"foreign-{place}", (("thief", Amount(1, ETH)),), (name,), Amount(1, ETH))
        chain.pool[foreign.id] = foreign
    chain.mine(chain.depth + 1)
    await pay(world, chain)
    assert ((await submission(world))["state"], await state(world)) == ("dead", "failed")
    (row,) = [one for one in await world.context.all(schema.assets.select()) if one["paused"]]
    assert "did not sign" in row["pause_reason"]
    assert "who else has the key" in row["pause_reason"]
    await resume_asset(world.context, "test", "ETH", "a test")
    await ask(world, bob, parse_amount("0.1", ETH), "again")
    await pay(world, chain)
    (tx,) = chain.pool.values()
    assert int(tx.consumes[0].rpartition(":")[2]) == int(ours.consumes[0].rpartition(":")[2]) + 3


async def test_wdr_05_a_stale_count_moves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that has not seen what we sent says 0: our own reservations count."""
    chain, bob = await funded_on_ethereum(world)
    await settled(world, chain)

    async def stale(_network: object, _address: str) -> int:
        return 0

    monkeypatch.setattr(FakeNetwork, "next_nonce", stale)
    for number in range(4):
        await ask(world, bob, parse_amount("0.01", ETH), f"to-{number}")
        await pay(world, chain)
    nonces = [int(tx.consumes[0].rpartition(":")[2]) for tx in chain.pool.values()]
    assert nonces == list(range(nonces[0], nonces[0] + 4))
