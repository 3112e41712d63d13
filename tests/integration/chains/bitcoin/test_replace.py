"""A stuck tx at higher and higher fees, on a real bitcoind: its relay rules are met, and one of all of them is mined."""

from dataclasses import replace

import pytest

from chains.bitcoin.decode import decode
from chains.bitcoin.network import UtxoNetwork
from chains.signer.signing.bitcoin import sign
from node.devnet.bitcoind import WALLET, Bitcoind
from tests.integration.chains.bitcoin.wallet import FEE, Book, coins, network_on, paying
from tests.unit.chains.bitcoin.material import private_keys
from wallet.ports import Fate, FeeTooHigh, SubmissionRef, Unsigned

BUMPS = 5


async def bumped(network: UtxoNetwork, unsigned: Unsigned, submission: SubmissionRef) -> tuple[Unsigned, SubmissionRef]:
    made = await network.raise_fee(unsigned.payload, unsigned.consumes, urgent=True)
    assert made is not None
    signed = sign(made.payload, private_keys(tuple(spent.path for spent in decode(made.payload).inputs)))
    return made, replace(submission, tx=signed.tx, payload=signed.payload)


async def mined(chain: Bitcoind, *txs: str) -> None:
    await chain.rpc("generateblock", await chain.new_address(), list(txs))


@pytest.mark.parametrize("lucky", [0, 3, BUMPS])
async def test_wdr_04_of_five_replacements_and_the_first_exactly_one_is_mined(
    chain: Bitcoind, network: UtxoNetwork, book: Book, lucky: int
) -> None:
    destination = await chain.new_address()
    variants = [await paying(network, await coins(chain, network, book, "0.2"), (destination, 10_000_000))]
    await network.submit(variants[0][1])
    for _ in range(BUMPS):
        variants.append(await bumped(network, *variants[-1]))
        await network.submit(variants[-1][1])
        assert variants[-1][1].tx in await chain.rpc("getrawmempool"), "the node took it in place of the one before"
        assert variants[-2][1].tx not in await chain.rpc("getrawmempool")
    fees = [unsigned.fee_max.units for unsigned, _ in variants]
    assert fees == sorted(set(fees))
    assert {unsigned.consumes for unsigned, _ in variants} == {variants[0][0].consumes}
    await mined(chain, variants[lucky][1].payload.hex())
    fates = [(await network.status(submission)).fate for _, submission in variants]
    assert [fate is Fate.INCLUDED for fate in fates] == [number == lucky for number in range(BUMPS + 1)]
    assert (await network.status(variants[lucky][1])).fee_paid == variants[lucky][0].fee_max
    assert await chain.rpc("getreceivedbyaddress", destination, wallet=WALLET) == 0.1


async def test_wdr_04_what_a_payee_built_on_our_payment_is_paid_for_as_well(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    """BIP-125's rule 3: else a payee could pin our tx where it is by spending it."""
    first = await paying(network, await coins(chain, network, book, "0.2"), (await chain.new_address(), 10_000_000))
    await network.submit(first[1])
    place = next(n for n, made in enumerate(decode(first[0].payload).outputs) if made.units == 10_000_000)
    onward = await chain.rpc(
        "send",
        [{await chain.new_address(): "0.05"}],
        None,
        "unset",
        100,
        {"inputs": [{"txid": first[1].tx, "vout": place}], "include_unsafe": True},
        wallet=WALLET,
    )
    theirs = (await chain.rpc("getmempoolentry", onward["txid"]))["fees"]["base"] * 10**8
    assert theirs > 10_000
    unsigned, submission = await bumped(network, *first)
    assert unsigned.fee_max.units > first[0].fee_max.units + theirs
    await network.submit(submission)
    assert submission.tx in await chain.rpc("getrawmempool")


async def test_wdr_04_what_pays_the_present_price_is_left_alone_unless_it_is_urgent(
    chain: Bitcoind, network: UtxoNetwork, book: Book
) -> None:
    unsigned, submission = await paying(
        network, await coins(chain, network, book, "0.2"), (await chain.new_address(), 10_000_000)
    )
    await network.submit(submission)
    assert await network.raise_fee(unsigned.payload, unsigned.consumes, urgent=False) is None


async def test_wdr_15_a_replacement_never_passes_the_caps(chain: Bitcoind, network: UtxoNetwork, book: Book) -> None:
    available = await coins(chain, network, book, "0.2")
    unsigned, submission = await paying(network, available, (await chain.new_address(), 10_000_000))
    await network.submit(submission)
    for cap in ({"fee_units_max": unsigned.fee_max.units + 10}, {"rate_max": FEE.rate + 10}):
        careful = network_on(chain, book, **cap)
        with pytest.raises(FeeTooHigh, match="more than is allowed"):
            await careful.raise_fee(unsigned.payload, unsigned.consumes, urgent=True)
        await careful.close()
