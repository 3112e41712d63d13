"""Deposits as a real bitcoind shows them, reorganisations included."""

from itertools import pairwise
from pathlib import Path

import pytest

from chains.bitcoin.network import UtxoNetwork
from chains.bitcoin.scan import HEIGHTS_PER_REQUEST
from node.devnet.bitcoind import MATURE_BLOCKS, WALLET, Bitcoind, Program, find_bitcoind
from tests.conftest import say
from tests.integration.chains.bitcoin.wallet import (
    CONFIRMATIONS,
    Book,
    arrivals,
    network_on,
    new_deposit_address,
    walk,
)
from tests.unit.chains.bitcoin.material import BTC
from wallet.money import Amount
from wallet.ports import BlockVanished, NetworkMismatch, NetworkUnreachable


async def test_the_chain_is_walked_whole_and_without_a_gap(network: UtxoNetwork) -> None:
    blocks = await walk(network, 0)
    assert len(blocks) > MATURE_BLOCKS > 2 * HEIGHTS_PER_REQUEST
    assert [block.height for block in blocks] == list(range(len(blocks)))
    assert all(block.parent == before.id for before, block in pairwise(blocks))
    assert blocks[-1].ref == await network.tip() == await network.block_ref(blocks[-1].height)
    assert await network.block_ref(len(blocks)) is None


async def test_a_deposit_from_a_wallet_outside_is_seen_to_the_last_satoshi(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    ours, start = new_deposit_address(network, book), (await network.tip()).height + 1
    tx = await chain.pay(ours.address, "0.29000001")
    assert await arrivals(network, start) == []
    await chain.mine()
    (incoming,) = await arrivals(network, start)
    assert incoming.amount == Amount(29_000_001, BTC)
    assert (incoming.address, incoming.tx, incoming.doubt, incoming.booked) == (ours.address, tx, None, True)
    assert incoming.identity in {f"{tx}:0", f"{tx}:1"}


async def test_one_tx_may_bring_several_deposits_each_with_its_own_name(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    ours = [new_deposit_address(network, book) for _ in range(3)]
    start = (await network.tip()).height + 1
    amounts = {derived.address: f"0.0{place}" for place, derived in enumerate(ours, start=1)}
    tx = await chain.rpc("sendmany", "", {**amounts, await chain.new_address(): "0.5"}, wallet=WALLET)
    await chain.mine()
    seen = await arrivals(network, start)
    assert {one.address: one.amount.units for one in seen} == {
        derived.address: place * 1_000_000 for place, derived in enumerate(ours, start=1)
    }
    assert len({one.identity for one in seen}) == 3
    assert {one.tx for one in seen} == {tx}


async def test_dpb_06_the_same_key_behind_another_script_is_not_our_address(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    ours, start = new_deposit_address(network, book), (await network.tip()).height + 1
    script = (await chain.rpc("getaddressinfo", ours.address, wallet=WALLET))["witness_program"]
    legacy = await chain.rpc("decodescript", f"76a914{script}88ac")
    await chain.pay(legacy["address"], "0.1")
    await chain.pay(legacy["segwit"]["p2sh-segwit"], "0.1")
    await chain.pay(ours.address, "0.2")
    await chain.mine()
    assert [one.amount.units for one in await arrivals(network, start)] == [20_000_000]


async def test_dpb_05_a_miners_reward_is_seen_with_the_depth_that_it_needs(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    ours, start = new_deposit_address(network, book), (await network.tip()).height + 1
    await chain.rpc("generatetoaddress", 1, ours.address)
    (incoming,) = await arrivals(network, start)
    assert (incoming.doubt, incoming.confirmations_min) == (None, 100)


async def test_dpb_03_a_deposit_that_is_spent_twice_before_it_is_final_is_gone(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    ours, start = new_deposit_address(network, book), (await network.tip()).height + 1
    await chain.pay(ours.address, "0.4")
    await chain.mine(CONFIRMATIONS - 1)
    before = await walk(network, start)
    (deposit,) = before[0].incoming
    final = await network.final()
    assert final is not None
    assert final.height < start  # k - 1 confirmations are not k

    await _spend_twice(chain, deposit.tx, before[0].id)
    await chain.mine(CONFIRMATIONS + 1)

    after = await walk(network, start)
    assert after[0].id != before[0].id
    assert after[0].parent == before[0].parent
    assert [one for block in after for one in block.incoming] == []
    ref = await network.block_ref(start)
    assert ref is not None
    assert ref.id != before[0].id
    final = await network.final()
    assert final is not None
    assert final.height > start


async def _spend_twice(chain: Bitcoind, tx: str, block: str) -> None:
    """The block is taken back, and before the tx is mined again another takes its inputs, at a higher fee."""
    spent = (await chain.rpc("getrawtransaction", tx, 2, block))["vin"]
    await chain.rpc("invalidateblock", block)
    assert tx in await chain.rpc("getrawmempool")
    inputs = [{"txid": one["txid"], "vout": one["vout"], "sequence": 0xFFFFFFFD} for one in spent]
    worth = sum(round(one["prevout"]["value"] * 10**8) for one in spent)
    kept = worth - 100_000
    outputs = {await chain.new_address(): f"{kept // 10**8}.{kept % 10**8:08d}"}
    unsigned = await chain.rpc("createrawtransaction", inputs, outputs)
    signed = await chain.rpc("signrawtransactionwithwallet", unsigned, wallet=WALLET)
    await chain.rpc("sendrawtransaction", signed["hex"])
    assert tx not in await chain.rpc("getrawmempool")


async def test_dpb_03_a_deposit_that_moves_to_another_block_keeps_its_name(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    ours, start = new_deposit_address(network, book), (await network.tip()).height + 1
    await chain.pay(ours.address, "0.3")
    await chain.mine()
    (before,) = await walk(network, start)
    await chain.rpc("invalidateblock", before.id)
    await chain.rpc("generateblock", await chain.new_address(), [])
    assert await arrivals(network, start) == []
    await chain.mine()
    moved = await walk(network, start)
    assert moved[0].id != before.id
    assert moved[1].incoming == before.incoming


async def test_final_is_the_block_with_just_enough_confirmations(chain: Bitcoind, network: UtxoNetwork) -> None:
    tip, final = await network.tip(), await network.final()
    assert final is not None
    assert final.height == tip.height - CONFIRMATIONS + 1
    assert (await chain.rpc("getblockheader", final.id))["confirmations"] == CONFIRMATIONS
    strict = network_on(chain, Book(), confirmations=tip.height + 2)
    assert await strict.final() is None
    await strict.close()


async def test_blocks_above_the_tip_are_not_made_up(network: UtxoNetwork) -> None:
    tip = await network.tip()
    with pytest.raises(BlockVanished):
        await walk(network, tip.height, tip.height + 1)
    assert await walk(network, tip.height + 1, tip.height) == []


async def test_the_chain_is_named_by_its_first_two_blocks(
    chain: Bitcoind, network: UtxoNetwork, bitcoind: Bitcoind
) -> None:
    genesis, first = (await network.identity()).split(":")
    assert genesis == await chain.rpc("getblockhash", 0)
    assert first == await chain.rpc("getblockhash", 1)
    other = network_on(bitcoind, Book())
    assert (await other.identity()).split(":")[0] == genesis
    assert await other.identity() != await network.identity()
    await other.close()


async def test_another_chain_than_the_configured_one_is_refused(chain: Bitcoind) -> None:
    signet = network_on(chain, Book(), chain="signet")
    with pytest.raises(NetworkMismatch, match='serves the chain "regtest", the configuration says signet'):
        await signet.identity()
    await signet.close()


@pytest.mark.whole  # a bitcoind of its own: some seconds
async def test_a_node_without_a_tx_index_is_refused_by_name(tmp_path: Path) -> None:
    program = Program((*find_bitcoind(say).command, "-txindex=0"))
    bare = Bitcoind(tmp_path, program)
    await bare.start()
    network = network_on(bare, Book())
    with pytest.raises(NetworkMismatch, match="-txindex=1"):
        await network.identity()
    await network.close()
    await bare.stop()


async def test_a_wrong_password_or_nobody_there_is_unreachable_and_tells_no_secret(
    chain: Bitcoind, tmp_path: Path
) -> None:
    for changes in (
        {"password": "a wrong one"},
        {"url": "http://127.0.0.1:9"},
        {"user": None, "password": None, "cookie_file": tmp_path / "missing"},
    ):
        network = network_on(chain, Book(), **changes)
        with pytest.raises(NetworkUnreachable) as refusal:
            await network.tip()
        assert "a wrong one" not in str(refusal.value)
        await network.close()


async def test_a_cookie_file_opens_the_node_too(chain: Bitcoind, tmp_path: Path, network: UtxoNetwork) -> None:
    cookie = tmp_path / "cookie"
    cookie.write_text(f"{chain.user}:{chain.password}\n")
    by_cookie = network_on(chain, Book(), user=None, password=None, cookie_file=cookie)
    assert await by_cookie.tip() == await network.tip()
    await by_cookie.close()
