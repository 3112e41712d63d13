"""Withdrawals from coins that came in, on a real bitcoind: built, signed, sent, followed to their end."""

import pytest

from chains.bitcoin.decode import decode_signed
from chains.bitcoin.network import UtxoNetwork
from node.devnet.bitcoind import WALLET, Bitcoind
from tests.integration.chains.bitcoin.wallet import CONFIRMATIONS, Book, coins, network_on, paying
from tests.unit.chains.bitcoin.material import BTC, HOT
from wallet.money import Amount
from wallet.ports import (
    BlockRef,
    Destination,
    Fate,
    Fee,
    NetworkRejected,
    NetworkUnreachable,
    Status,
    SubmissionRef,
)


async def test_a_withdrawal_goes_from_pending_to_final_and_tells_its_fee(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    destination = await chain.new_address()
    unsigned, submission = await paying(
        network, await coins(chain, network, book, "0.3", "0.2"), (destination, 40_000_000)
    )
    assert (await chain.rpc("testmempoolaccept", [submission.payload.hex()]))[0]["allowed"] is True
    assert await network.status(submission) == Status(Fate.UNKNOWN)

    await network.submit(submission)
    assert await network.status(submission) == Status(Fate.PENDING)
    mempool = await chain.rpc("getmempoolentry", submission.tx)
    assert mempool["vsize"] == decode_signed(submission.payload).vsize

    (block,) = await chain.mine()
    at = BlockRef((await network.tip()).height, block)
    assert await network.status(submission) == Status(Fate.INCLUDED, at, unsigned.fee_max)
    await chain.mine(CONFIRMATIONS - 2)
    assert (await network.status(submission)).fate is Fate.INCLUDED
    await chain.mine()
    assert await network.status(submission) == Status(Fate.FINAL, at, unsigned.fee_max)
    assert await chain.rpc("getreceivedbyaddress", destination, wallet=WALLET) == 0.4
    assert unsigned.change is not None
    returned = await chain.rpc("gettxout", *_split(unsigned.change.outpoint))
    assert returned["scriptPubKey"]["address"] == HOT.address
    assert round(returned["value"] * 10**8) == unsigned.change.units


def _split(outpoint: str) -> tuple[str, int]:
    tx, _, index = outpoint.partition(":")
    return tx, int(index)


async def test_wdr_01_the_same_bytes_may_be_sent_at_any_time_again(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    destination = await chain.new_address()
    _, submission = await paying(network, await coins(chain, network, book, "0.2"), (destination, 19_999_700))
    await network.submit(submission)
    await network.submit(submission)  # in the mempool
    await chain.mine()
    await network.submit(submission)  # in the chain, unspent
    onward = await chain.rpc(
        "send", {await chain.new_address(): "0.1"}, None, "unset", None, {"inputs": [_named(submission)]}, wallet=WALLET
    )
    assert onward["complete"] is True
    await chain.mine()
    await network.submit(submission)  # in the chain, and what it made is spent: its inputs look missing
    assert (await network.status(submission)).fate is Fate.INCLUDED
    assert await chain.rpc("getreceivedbyaddress", destination, wallet=WALLET) == 0.199997


def _named(submission: SubmissionRef) -> dict[str, object]:
    (output,) = decode_signed(submission.payload).outputs
    assert output.units == 19_999_700
    return {"txid": submission.tx, "vout": 0}


async def test_one_tx_pays_every_kind_of_address(chain: Bitcoind, network: UtxoNetwork, book: Book) -> None:
    kinds = ["legacy", "p2sh-segwit", "bech32", "bech32m"]
    addresses = [await chain.rpc("getnewaddress", "", kind, wallet=WALLET) for kind in kinds]
    addresses.append(await _script_address(chain))
    available = await coins(chain, network, book, "0.5")
    _, submission = await paying(network, available, *[(address, 1_000_000) for address in addresses])
    await network.submit(submission)
    await chain.mine()
    assert (await network.status(submission)).fate is Fate.INCLUDED
    for address in addresses[:-1]:
        assert await chain.rpc("getreceivedbyaddress", address, wallet=WALLET) == 0.01


async def _script_address(chain: Bitcoind) -> str:
    """P2WSH of a script that anybody may spend."""
    return str((await chain.rpc("decodescript", "51"))["segwit"]["address"])


async def test_many_small_coins_make_one_valid_tx(chain: Bitcoind, network: UtxoNetwork, book: Book) -> None:
    available = await coins(chain, network, book, *["0.001"] * 260)
    unsigned, submission = await paying(network, available, (await chain.new_address(), 25_500_000))
    assert len(unsigned.consumes) > 252  # the count of inputs needs three bytes
    (judged,) = await chain.rpc("testmempoolaccept", [submission.payload.hex()])
    assert judged["allowed"] is True
    assert judged["vsize"] <= unsigned.fee_max.units // 2  # the rate was 2 satoshi per virtual byte


async def test_dust_is_refused_by_the_rule_that_the_node_keeps(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    destination = await chain.new_address()
    available = await coins(chain, network, book, "0.01")
    smallest = await network.smallest_payment(BTC, Destination(destination))
    _, submission = await paying(network, available, (destination, smallest.units))
    (judged,) = await chain.rpc("testmempoolaccept", [submission.payload.hex()])
    assert judged["allowed"] is True
    with pytest.raises(ValueError, match=f"less than {smallest.units} units"):
        await paying(network, available, (destination, smallest.units - 1))


async def test_a_tx_below_the_relay_fee_is_rejected_and_nothing_is_known_of_it(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    available = await coins(chain, network, book, "0.2")
    _, submission = await paying(network, available, (await chain.new_address(), 1_000_000), fee=Fee(1, Amount(1, BTC)))
    with pytest.raises(NetworkRejected):
        await network.submit(submission)
    assert await network.status(submission) == Status(Fate.UNKNOWN)


async def test_dead_is_said_only_when_the_input_is_finally_used_by_something_else(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    available = await coins(chain, network, book, "0.2")
    _, first = await paying(network, available, (await chain.new_address(), 1_000_000))
    _, second = await paying(network, available, (await chain.new_address(), 2_000_000))
    await network.submit(first)
    with pytest.raises(NetworkRejected):
        await network.submit(second)
    assert (await network.status(second)).fate is Fate.UNKNOWN
    for _ in range(CONFIRMATIONS - 1):
        await chain.mine()
        with pytest.raises(NetworkRejected):
            await network.submit(second)
        assert (await network.status(second)).fate is Fate.UNKNOWN
    await chain.mine()
    assert (await network.status(second)).fate is Fate.DEAD
    assert (await network.status(first)).fate is Fate.FINAL


async def test_a_tx_whose_input_vanished_with_its_block_is_unknown_and_not_dead(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    available = await coins(chain, network, book, "0.2")
    _, submission = await paying(network, available, (await chain.new_address(), 1_000_000))
    block = (await network.tip()).id
    await chain.rpc("invalidateblock", block)
    for _ in range(CONFIRMATIONS + 1):
        await chain.rpc("generateblock", await chain.new_address(), [])
    assert (await network.status(submission)).fate is Fate.UNKNOWN
    await chain.mine()
    await network.submit(submission)
    assert (await network.status(submission)).fate is Fate.PENDING


async def test_wdr_07_a_withdrawal_whose_block_is_taken_back_is_pending_again(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    available = await coins(chain, network, book, "0.2")
    _, submission = await paying(network, available, (await chain.new_address(), 1_000_000))
    await network.submit(submission)
    (block,) = await chain.mine()
    await chain.rpc("invalidateblock", block)
    assert await network.status(submission) == Status(Fate.PENDING)
    await chain.rpc("generateblock", await chain.new_address(), [])
    assert await network.status(submission) == Status(Fate.PENDING)
    await network.submit(submission)
    (block,) = await chain.mine()
    status = await network.status(submission)
    assert (status.fate, status.block and status.block.id) == (Fate.INCLUDED, block)


async def test_wdr_07_a_withdrawal_that_another_tx_replaced_in_a_reorg_dies_only_when_that_one_is_final(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    available = await coins(chain, network, book, "0.2")
    _, ours = await paying(network, available, (await chain.new_address(), 1_000_000))
    _, other = await paying(network, available, (await chain.new_address(), 2_000_000))
    await network.submit(ours)
    (block,) = await chain.mine()
    await chain.rpc("invalidateblock", block)
    await chain.rpc("generateblock", await chain.new_address(), [other.payload.hex()])
    assert (await network.status(ours)).fate is Fate.UNKNOWN
    with pytest.raises(NetworkRejected):
        await network.submit(ours)  # the node still finds it by its id, in the block that was taken back
    await chain.mine(CONFIRMATIONS - 2)
    assert (await network.status(ours)).fate is Fate.UNKNOWN
    await chain.mine()
    assert (await network.status(ours)).fate is Fate.DEAD
    assert (await network.status(other)).fate is Fate.FINAL


async def test_bytes_of_another_submission_are_not_sent(chain: Bitcoind, network: UtxoNetwork, book: Book) -> None:
    _, submission = await paying(
        network, await coins(chain, network, book, "0.2"), (await chain.new_address(), 1_000_000)
    )
    mixed = SubmissionRef(submission.id, "00" * 32, submission.payload, submission.consumes, submission.references)
    with pytest.raises(ValueError, match="not the tx of this submission"):
        await network.submit(mixed)
    assert submission.tx not in await chain.rpc("getrawmempool")


async def test_wdr_02_no_answer_is_never_a_refusal(chain: Bitcoind, network: UtxoNetwork, book: Book) -> None:
    _, submission = await paying(
        network, await coins(chain, network, book, "0.2"), (await chain.new_address(), 1_000_000)
    )
    deaf = network_on(chain, book, url="http://127.0.0.1:9")
    for asked in (deaf.submit, deaf.status):
        with pytest.raises(NetworkUnreachable):
            await asked(submission)
    await deaf.close()
