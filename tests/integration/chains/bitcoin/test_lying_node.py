"""A node that shows what cannot be: blocks with other txs, of other heights, without work, and a tip that is not there."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from chains.bitcoin.headers import parse_header, target_of
from chains.bitcoin.network import UtxoNetwork
from chains.bitcoin.parameters import REGTEST, Retarget
from chains.bitcoin.rawtx import hash256
from node.devnet.bitcoind import Bitcoind
from tests.integration.chains.bitcoin.wallet import Book, network_on, new_deposit_address, walk
from tests.integration.chains.evm.lying import LyingNode
from wallet.ports import BlockVanished, NetworkMismatch, NetworkUnproven


@pytest.fixture
async def lying(chain: Bitcoind) -> AsyncIterator[LyingNode]:
    node = LyingNode(chain.url.replace("://", f"://{chain.user}:{chain.password}@"))
    await node.start()
    yield node
    await node.stop()


@pytest.fixture
async def deceived(chain: Bitcoind, lying: LyingNode, book: Book) -> AsyncIterator[UtxoNetwork]:
    made = network_on(chain, book, url=lying.url)
    yield made
    await made.close()


async def test_dpb_09_a_tx_that_is_not_in_the_block_is_found_out(
    chain: Bitcoind, lying: LyingNode, deceived: UtxoNetwork, book: Book
) -> None:
    ours = new_deposit_address(deceived, book)
    await chain.pay(ours.address, "0.1")
    (block,) = await chain.mine()
    tip = await deceived.tip()
    (seen,) = (await walk(deceived, tip.height))[0].incoming
    units = seen.amount.units
    lying.lies["getblock"] = lambda _, told: told.replace(
        units.to_bytes(8, "little").hex(), (units * 10).to_bytes(8, "little").hex()
    )
    with pytest.raises(NetworkUnproven, match="not those that its header commits to"):
        await walk(deceived, tip.height)
    assert (lying.told["getblock"], tip.id) == (1, block)


async def test_dpb_09_a_block_of_another_height_is_found_out(
    chain: Bitcoind, lying: LyingNode, deceived: UtxoNetwork
) -> None:
    await chain.mine(2)
    tip = await deceived.tip()
    other = await chain.rpc("getblockhash", tip.height - 1)
    lying.lies["getblockhash"] = lambda _, __: other
    with pytest.raises(NetworkUnproven, match=f"height {tip.height} was made for another one"):
        await walk(deceived, tip.height)
    assert lying.told["getblockhash"] == 1


async def test_dpb_09_a_block_without_work_is_found_out(
    chain: Bitcoind, lying: LyingNode, deceived: UtxoNetwork
) -> None:
    await chain.mine()
    tip = await deceived.tip()
    true = bytes.fromhex(await chain.rpc("getblock", tip.id, 0))
    header = without_work(true[:80])
    forged = (header + true[80:]).hex()
    lying.lies["getblockhash"] = lambda _, __: hash256(header)[::-1].hex()
    lying.lies["getblock"] = lambda _, __: forged
    with pytest.raises(NetworkUnproven, match="not the work"):
        await walk(deceived, tip.height)
    assert lying.told["getblock"] == 1


def without_work(header: bytes) -> bytes:
    """The same but for the nonce; on regtest every other one has the work."""
    for nonce in range(100):
        forged = header[:76] + nonce.to_bytes(4, "little")
        if int(hash256(forged)[::-1].hex(), 16) > target_of(parse_header(forged).bits):
            return forged
    raise AssertionError("a hundred nonces in a row have the work")


async def test_dpb_09_a_header_before_the_block_that_has_no_work_is_found_out(
    chain: Bitcoind, lying: LyingNode, book: Book
) -> None:
    network = network_on(chain, book, url=lying.url, chain=replace(REGTEST, retarget=Retarget(10, 1, 10, 0x207FFFFF)))
    lying.lies["getblockheader"] = lambda _, told: without_work(bytes.fromhex(told)).hex()
    with pytest.raises(NetworkUnproven, match="not the work"):
        await walk(network, int(await chain.rpc("getblockcount")))
    assert lying.told["getblockheader"] >= 1
    await network.close()


async def test_dpb_09_blocks_above_the_true_tip_are_never_there(
    chain: Bitcoind, lying: LyingNode, deceived: UtxoNetwork
) -> None:
    height = int(await chain.rpc("getblockcount"))
    lying.lies["getblockchaininfo"] = lambda _, told: {**told, "blocks": height + 5}
    assert (await deceived.tip()).height == height + 5
    with pytest.raises(BlockVanished):
        await walk(deceived, height, height + 5)


async def test_a_waiting_tx_that_cannot_be_read_hides_no_other(
    chain: Bitcoind, lying: LyingNode, deceived: UtxoNetwork, book: Book
) -> None:
    """As Litecoin's confidential txs, of which its nodes tell an empty shell under another id."""
    unread, ours = [await chain.pay(new_deposit_address(deceived, book).address, "0.1") for _ in range(2)]
    shell = (2).to_bytes(4, "little").hex() + "0000" + "00000000"
    lying.lies["getrawtransaction"] = lambda asked, told: shell if asked[0] == unread else told
    for _ in range(2):
        assert {one.tx for one in await deceived.announced()} & {unread, ours} == {ours}
    (block,) = await chain.mine()
    assert {one.tx for one in (await walk(deceived, (await chain.rpc("getblock", block))["height"]))[0].incoming} == {
        unread,
        ours,
    }


async def test_a_node_that_says_it_has_no_tx_index_is_refused(lying: LyingNode, deceived: UtxoNetwork) -> None:
    lying.lies["getindexinfo"] = lambda _, __: {}
    with pytest.raises(NetworkMismatch, match="-txindex=1"):
        await deceived.identity()
    assert lying.told["getindexinfo"] == 1


@pytest.mark.parametrize("back", [10, 11])
async def test_a_period_is_counted_from_as_far_back_as_the_chain_says(
    chain: Bitcoind, lying: LyingNode, book: Book, back: int
) -> None:
    """Litecoin's periods reach one block further back than Bitcoin's."""
    network = network_on(chain, book, url=lying.url, chain=replace(REGTEST, retarget=Retarget(10, 1, back, 0x207FFFFF)))
    lying.lies["getblockheader"] = lambda _, told: told  # the truth, counted
    height = 10 * (int(await chain.rpc("getblockcount")) // 10)
    await walk(network, height)
    assert lying.told["getblockheader"] == back
    await network.close()


@pytest.mark.parametrize(("seconds", "allowed"), [(1, True), (10_000_000, False)])
async def test_dpb_09_targets_follow_the_rules_over_the_headers_of_a_period(
    chain: Bitcoind, book: Book, seconds: int, allowed: bool
) -> None:
    """A chain whose rule is ours to choose: blocks of regtest come slower than ten in a second, and its target never moves."""
    ruled = replace(REGTEST, retarget=Retarget(10, seconds, 10, REGTEST.easiest_bits))
    network = network_on(chain, book, chain=ruled)
    height = 10 * (int(await chain.rpc("getblockcount")) // 10)
    if allowed:
        assert len(await walk(network, height - 1, height)) == 2
    else:
        assert len(await walk(network, height - 1, height - 1)) == 1
        with pytest.raises(NetworkUnproven, match="another target"):
            await walk(network, height)
    await network.close()
