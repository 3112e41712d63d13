"""Several providers of one network: what enough of them say counts, and who contradicts another stops the network."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chains.quorum import dispute, quorum
from chains.quorum.contracts import ContractQuorum
from tests.fakes.network import FakeNetwork
from tests.fakes.provider import FakeProvider
from tests.fakes.world import BTC, ETH
from wallet.ids import NetworkId, SubmissionId
from wallet.money import Amount
from wallet.ports import (
    Block,
    BlockRef,
    BlockVanished,
    Branch,
    Fate,
    NetworkError,
    NetworkMismatch,
    NetworkRejected,
    NetworkUnreachable,
    Observation,
    Status,
    SubmissionRef,
)
from wallet.ports.providers import NetworkConflict

CHAIN = NetworkId("ethereum")
SUBMISSION = SubmissionRef(SubmissionId("sub_1"), "tx-of-ours", b"", ("hot:0",), ())
ONE_ETH = Amount(10**18, ETH)


class Everybodys:
    async def known(self, _network: NetworkId, addresses: Collection[str]) -> frozenset[str]:
        return frozenset(addresses)


class Scene:
    """A chain of ten blocks, seen through three providers of which two must agree, unless told otherwise."""

    def __init__(self, count: int = 3, least: int = 2) -> None:
        self.truth = FakeNetwork(CHAIN, (ETH,), Everybodys())
        self.truth.mine(9)
        self.a, self.b, *self.others = self.all = [FakeProvider(self.truth) for _ in range(count)]
        members: Any = {f"{name}.example": provider for name, provider in zip("abc", self.all, strict=False)}
        self.quorum = ContractQuorum(members, least)

    async def read(self, start: int, stop: int) -> list[Block]:
        return [block async for block in self.quorum.blocks(start, stop)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
def pair() -> Scene:
    return Scene(2, 2)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispute, "RECHECK_MS", 0)
    monkeypatch.setattr(quorum, "LOOK_MS", -1)


def other(ref: BlockRef) -> BlockRef:
    return BlockRef(ref.height, "another-block")


def behind(blocks: int, truth: FakeNetwork) -> Callable[[BlockRef], BlockRef]:
    return lambda ref: truth._chain[ref.height - blocks].ref


# ── agreement ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_providers_who_agree_are_one_network(scene: Scene) -> None:
    truth = scene.truth
    assert await scene.quorum.identity() == await truth.identity()
    assert await scene.quorum.tip() == await truth.tip()
    assert await scene.quorum.final() == await truth.final()
    assert await scene.quorum.block_ref(3) == await truth.block_ref(3)
    assert await scene.quorum.block_ref(99) is None
    assert await scene.read(2, 9) == [block async for block in truth.blocks(2, 9)]
    assert scene.quorum.derive(Branch.HOUSE, 0) == truth.derive(Branch.HOUSE, 0)


async def test_rpc_01_lag_is_no_conflict_and_what_enough_have_reached_counts(scene: Scene) -> None:
    for name in ("tip", "final"):
        scene.a.lies[name] = behind(4, scene.truth)
    assert (await scene.quorum.tip()).height == 9
    assert (await scene.quorum.final()) == await scene.truth.final()
    for name in ("tip", "final"):
        scene.b.lies[name] = behind(2, scene.truth)
    assert (await scene.quorum.tip()).height == 7
    assert (scene.a.told["final"], scene.b.told["tip"]) == (1, 1)


async def test_a_provider_that_is_down_is_not_needed_and_two_are(scene: Scene) -> None:
    scene.a.silent = True
    assert await scene.quorum.tip() == await scene.truth.tip()
    assert len(await scene.read(1, 5)) == 5
    scene.b.silent = True
    for question in (scene.quorum.tip(), scene.quorum.final(), scene.read(1, 2), scene.quorum.status(SUBMISSION)):
        with pytest.raises(NetworkUnreachable):
            await question


async def test_a_fork_at_the_tip_is_waited_for_and_credits_nothing(pair: Scene) -> None:
    pair.a.lies["tip"] = other
    assert (await pair.quorum.tip()).height == 8
    pair.a.lies["block_ref"] = other
    with pytest.raises(NetworkUnreachable, match="different blocks"):
        await pair.quorum.block_ref(9)
    pair.a.lies["blocks"] = lambda block: replace(block, id="another-block")
    with pytest.raises(BlockVanished):
        await pair.read(9, 9)
    assert pair.a.told["blocks"] == 1


async def test_one_that_stands_on_another_branch_is_outvoted(scene: Scene) -> None:
    scene.a.lies["blocks"] = lambda block: replace(block, id="another-block")
    assert await scene.read(8, 9) == [block async for block in scene.truth.blocks(8, 9)]
    assert scene.a.told["blocks"] == 1


async def test_a_provider_that_fails_on_the_way_is_left_out(scene: Scene) -> None:
    reader = scene.quorum.blocks(1, 6)
    assert (await anext(reader)).height == 1
    scene.a.silent = True
    assert [block.height async for block in reader] == [2, 3, 4, 5, 6]


async def test_a_slow_provider_is_not_waited_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.quorum.identity()
    scene.a.delay_s = 60
    async with asyncio.timeout(20):
        assert await scene.quorum.tip() == await scene.truth.tip()
    assert "slower" in str(scene.quorum.providers()[0].error)


# ── who lies ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_rpc_03_two_final_blocks_at_one_height_stop_the_network_within_one_poll(scene: Scene) -> None:
    scene.a.lies["final"] = other
    scene.a.lies["block_ref"] = other
    with pytest.raises(NetworkConflict) as conflict:
        await scene.quorum.final()
    assert set(conflict.value.hosts) == {"a.example", "b.example"}
    assert all(host in str(conflict.value) for host in conflict.value.hosts)
    for step in (scene.quorum.tip(), scene.read(1, 2), scene.quorum.status(SUBMISSION), scene.quorum.next_nonce("hot")):
        with pytest.raises(NetworkConflict):
            await step
    with pytest.raises(NetworkConflict):
        await scene.quorum.submit(SUBMISSION)
    assert all(provider.asked["submit"] == 0 for provider in scene.all)
    assert {view.host: view.agrees for view in scene.quorum.providers()}["a.example"] is not True


async def test_rpc_03_nothing_leaves_before_the_final_blocks_were_compared(scene: Scene) -> None:
    """Whoever pays does not rest on the scan's having looked."""
    scene.a.lies = {"final": other, "block_ref": other}
    with pytest.raises(NetworkConflict):
        await scene.quorum.submit(SUBMISSION)
    assert all(provider.asked["submit"] == 0 for provider in scene.all)


async def test_rpc_03_a_conflict_below_the_last_final_block_is_seen(scene: Scene) -> None:
    """The liar is ahead: what it calls final above is nobody's business, what it shows below is."""
    scene.a.lies["final"] = lambda ref: BlockRef(ref.height + 1, "another-block")
    scene.a.lies["block_ref"] = other
    with pytest.raises(NetworkConflict):
        await scene.quorum.final()


async def test_rpc_03_a_conflict_heals_when_the_two_agree_and_not_by_silence(scene: Scene, at_once: None) -> None:
    scene.a.lies = {"final": other, "block_ref": other}
    with pytest.raises(NetworkConflict):
        await scene.quorum.final()
    scene.a.silent = True
    with pytest.raises(NetworkConflict):
        await scene.quorum.final()
    scene.a.silent, scene.a.lies = False, {}
    assert await scene.quorum.final() == await scene.truth.final()
    await scene.quorum.submit(replace(SUBMISSION, payload=b'{"plan": {"pays": [], "consumes": [], "fee": "0"}}'))
    assert SUBMISSION.tx in scene.truth.pool


async def test_rpc_04_a_credit_that_one_provider_invents_stops_the_network(scene: Scene, at_once: None) -> None:
    scene.truth.pay_in("address-1", ONE_ETH)
    scene.truth.mine(1)
    scene.a.lies["blocks"] = lambda block: replace(
        block, incoming=tuple(replace(one, amount=Amount(10**24, ETH)) for one in block.incoming)
    )
    with pytest.raises(NetworkConflict, match="what is in block 10"):
        await scene.read(9, 10)
    assert scene.a.told["blocks"] == 3
    with pytest.raises(NetworkConflict):
        await scene.quorum.tip()
    scene.a.lies = {}
    assert [one.amount for block in await scene.read(9, 10) for one in block.incoming] == [ONE_ETH]


async def test_rpc_02_a_deposit_that_one_provider_leaves_out_stops_the_network(pair: Scene) -> None:
    pair.truth.pay_in("address-1", ONE_ETH)
    pair.truth.mine(1)
    pair.b.lies["blocks"] = lambda block: replace(block, incoming=())
    with pytest.raises(NetworkConflict):
        await pair.read(10, 10)


async def test_an_address_handed_out_while_two_read_is_no_conflict(pair: Scene) -> None:
    pair.truth.pay_in("address-1", ONE_ETH)
    pair.truth.mine(1)
    first = iter([()])
    pair.b.lies["blocks"] = lambda block: replace(block, incoming=next(first, block.incoming))
    assert [len(block.incoming) for block in await pair.read(10, 10)] == [1]
    assert pair.b.told["blocks"] == 2


async def test_rpc_09_who_cannot_verify_abstains_and_too_few_judges_leave_a_doubt(scene: Scene, pair: Scene) -> None:
    def unread(block: Block) -> Block:
        return replace(block, incoming=tuple(replace(one, doubt="balance_unreadable") for one in block.incoming))

    for each, doubt in ((scene, None), (pair, "balance_unreadable")):
        each.truth.pay_in("address-1", ONE_ETH)
        each.truth.mine(1)
        each.a.lies["blocks"] = unread
        (block,) = await each.read(10, 10)
        assert [one.doubt for one in block.incoming] == [doubt]
        assert each.a.told["blocks"] == 1


async def test_rpc_04_balances_that_differ_at_one_block_stop_the_network(pair: Scene, at_once: None) -> None:
    at = await pair.truth.tip()
    honest = await pair.quorum.observe(["address-1"], at)
    assert honest.block == at
    pair.a.lies["observe"] = lambda seen: Observation(seen.block, {"ETH": 10**30})
    with pytest.raises(NetworkConflict, match="ETH at block 9"):
        await pair.quorum.observe(["address-1"], at)
    with pytest.raises(NetworkConflict):
        await pair.quorum.final()
    pair.a.lies = {}
    assert await pair.quorum.observe(["address-1"], at) == honest


async def test_balances_told_at_different_blocks_are_asked_again(pair: Scene) -> None:
    blocks = iter([BlockRef(8, "before")])
    pair.a.lies["observe"] = lambda seen: replace(seen, block=next(blocks, seen.block))
    assert (await pair.quorum.observe(["address-1"], await pair.truth.tip())).block == await pair.truth.tip()
    assert pair.a.told["observe"] == 2


async def test_another_chain_behind_one_provider_is_a_mismatch(scene: Scene) -> None:
    scene.b.lies["identity"] = lambda _: "another genesis"
    with pytest.raises(NetworkMismatch, match="different chains"):
        await scene.quorum.identity()


async def test_a_provider_that_comes_back_as_another_chain_is_left_out(scene: Scene) -> None:
    scene.a.silent = True
    assert await scene.quorum.identity() == await scene.truth.identity()
    scene.a.silent = False
    scene.a.lies = {"identity": lambda _: "another genesis", "tip": other}
    assert await scene.quorum.tip() == await scene.truth.tip()
    assert (scene.a.told["identity"], scene.a.told["tip"]) == (1, 0)
    assert "another chain" in str(scene.quorum.providers()[0].error)


# ── value that leaves ────────────────────────────────────────────────────────────────────────────────────────────────

AT = BlockRef(5, "block-5")
FINAL = Status(Fate.FINAL, AT, ONE_ETH)
INCLUDED = Status(Fate.INCLUDED, AT, ONE_ETH)
REVERTED = replace(FINAL, succeeded=False)
DEAD, PENDING, UNKNOWN = Status(Fate.DEAD), Status(Fate.PENDING), Status(Fate.UNKNOWN)

FATES = [
    ((FINAL, FINAL, UNKNOWN), FINAL),
    ((FINAL, INCLUDED, UNKNOWN), INCLUDED),
    ((FINAL, PENDING, UNKNOWN), PENDING),
    ((FINAL, replace(INCLUDED, block=BlockRef(6, "other")), UNKNOWN), PENDING),
    ((DEAD, DEAD, UNKNOWN), DEAD),
    ((DEAD, UNKNOWN, UNKNOWN), UNKNOWN),
    ((DEAD, PENDING, UNKNOWN), PENDING),
    ((UNKNOWN, UNKNOWN, PENDING), PENDING),
    ((REVERTED, REVERTED, FINAL), None),
    ((DEAD, DEAD, FINAL), None),
    ((DEAD, FINAL, UNKNOWN), None),
]


@pytest.mark.parametrize(("told", "agreed"), FATES)
async def test_rpc_04_dead_and_final_are_said_by_enough_or_not_at_all(
    scene: Scene, told: tuple[Status, ...], agreed: Status | None
) -> None:
    for provider, status in zip(scene.all, told, strict=True):
        provider.lies["status"] = partial(lambda status, _: status, status)
    if agreed is None:
        with pytest.raises(NetworkConflict, match="what became of tx-of-ours"):
            await scene.quorum.status(SUBMISSION)
    else:
        assert await scene.quorum.status(SUBMISSION) == agreed
    assert sum(provider.told["status"] for provider in scene.all) == 3


def refuse(error: NetworkError) -> Callable[[Any], Any]:
    def lie(_: Any) -> None:
        raise error

    return lie


async def test_bytes_go_to_all_and_one_that_has_them_is_enough(scene: Scene) -> None:
    scene.a.lies["submit"] = refuse(NetworkRejected("not today"))
    scene.b.lies["submit"] = refuse(NetworkUnreachable("lost"))
    ref = replace(SUBMISSION, payload=b'{"plan": {"pays": [], "consumes": [], "fee": "0"}}')
    await scene.quorum.submit(ref)
    assert all(provider.asked["submit"] == 1 for provider in scene.all)


async def test_a_refusal_counts_only_if_all_refuse(scene: Scene) -> None:
    for provider in scene.all:
        provider.lies["submit"] = refuse(NetworkRejected("not today"))
    ref = replace(SUBMISSION, payload=b'{"plan": {"pays": [], "consumes": [], "fee": "0"}}')
    with pytest.raises(NetworkRejected):
        await scene.quorum.submit(ref)
    scene.b.lies["submit"] = refuse(NetworkUnreachable("lost"))
    with pytest.raises(NetworkUnreachable):
        await scene.quorum.submit(ref)


async def test_one_provider_alone_raises_nobodys_fee(scene: Scene, pair: Scene) -> None:
    honest = await scene.truth.estimate_fee(ETH)
    for each in (scene, pair):
        each.a.lies["estimate_fee"] = lambda fee: replace(fee, rate=fee.rate * 1_000)
        assert await each.quorum.estimate_fee(ETH) == honest
        assert each.a.told["estimate_fee"] == 1


async def test_the_highest_nonce_counts_unless_it_is_beyond_belief(scene: Scene) -> None:
    scene.a.lies["next_nonce"] = lambda _: 7
    assert await scene.quorum.next_nonce("hot") == 7
    scene.a.lies["next_nonce"] = lambda _: 2**60
    with pytest.raises(NetworkUnreachable, match="far apart"):
        await scene.quorum.next_nonce("hot")


# ── what is told of them ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_operators_see_each_provider(scene: Scene) -> None:
    scene.a.lies["tip"] = other
    await scene.quorum.tip()
    await scene.quorum.final()
    first, second, third = scene.quorum.providers()
    assert (first.host, first.agrees, first.tip, first.final) == ("a.example", False, 9, 8)
    assert (second.agrees, second.error, third.agrees) == (True, None, True)
    scene.others[0].silent = True
    await scene.quorum.tip()
    third = scene.quorum.providers()[2]
    assert (third.agrees, third.tip) == (None, None)
    assert "silent" in str(third.error)


@pytest.mark.parametrize("least", [0, 4])
def test_a_quorum_fits_its_providers(least: int) -> None:
    with pytest.raises(ValueError, match="quorum"):
        Scene(3, least)


def test_the_kind_of_asset_is_the_members_own(scene: Scene) -> None:
    assert scene.quorum.fee_asset == ETH != BTC
    assert scene.quorum.capabilities == scene.truth.capabilities
