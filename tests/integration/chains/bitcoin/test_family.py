"""Another coin of the family by its parameters alone. No node of another coin is here: a bitcoind on regtest stands in, which
knows scripts and not how that coin spells them; only its work is checked by Bitcoin's hash."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from chains.bitcoin.address import address_of, script_of
from chains.bitcoin.network import UtxoNetwork
from chains.bitcoin.parameters import LITECOIN, LITECOIN_REGTEST, REGTEST, Work
from chains.signer.judging.policy import PolicyMalformed, UtxoPolicy, read_policy
from chains.signer.judging.weigh_bitcoin import weigh_bitcoin
from chains.signer.signing.bitcoin import sign
from node.devnet.bitcoind import Bitcoind
from tests.integration.chains.bitcoin.wallet import BITCOIN, FEE, Book, network_on, new_deposit_address, walk
from tests.unit.chains.bitcoin.material import private_keys
from tests.unit.signer.scene import KEYS, bitcoin_payload
from wallet.ids import SubmissionId
from wallet.money import Amount, Asset
from wallet.ports import (
    Branch,
    Destination,
    Instruction,
    Listing,
    Purpose,
    SignerRefused,
    SignRequest,
    SubmissionRef,
    Utxo,
    UtxoSource,
)

LTC = Asset("LTC", 8)
STAND_IN = replace(LITECOIN_REGTEST, work=Work.SHA256D)
POLICY: dict[str, Any] = {
    "kind": "bitcoin",
    "chain": "litecoin-regtest",
    "fee_max": "0.001",
    "fee_window_max": "0.01",
    "window_s": 3600,
    "assets": {"LTC": {"decimals": 8, "submission_max": "5", "window_max": "10"}},
}


@pytest.fixture
async def litecoin(chain: Bitcoind, book: Book) -> AsyncIterator[UtxoNetwork]:
    made = network_on(chain, book, chain=STAND_IN, listings=(Listing(BITCOIN, LTC, None, 8),))
    yield made
    await made.close()


@pytest.mark.parametrize("branch", [Branch.DEPOSIT, Branch.DEPOSIT_TAPROOT])
async def test_another_coin_is_received_observed_and_paid_out_in_its_own_spelling(
    chain: Bitcoind, litecoin: UtxoNetwork, book: Book, branch: Branch
) -> None:
    assert await litecoin.identity()
    ours = new_deposit_address(litecoin, book, branch)
    assert ours.address.startswith("rltc1")
    spelled = address_of(script_of(ours.address, STAND_IN), REGTEST)
    await chain.pay(str(spelled), "0.7")
    await chain.mine()
    tip = await litecoin.tip()
    (incoming,) = (await walk(litecoin, tip.height))[0].incoming
    assert (incoming.address, incoming.amount) == (ours.address, Amount(70_000_000, LTC))
    assert (await litecoin.observe([ours.address], tip)).units == {"LTC": 70_000_000}

    outside = str(address_of(script_of(await chain.new_address(), REGTEST), STAND_IN))
    coin = Utxo(incoming.identity, incoming.amount.units, ours.address, ours.path)
    source = UtxoSource((coin,), litecoin.derive(Branch.HOUSE, 0))
    payment = Instruction("wdr_1", Destination(outside), Amount(40_000_000, LTC))
    unsigned = await litecoin.build([payment], source, FEE)
    signed = sign(unsigned.payload, private_keys((coin.path,)))
    await litecoin.submit(SubmissionRef(SubmissionId("sub_1"), signed.tx, signed.payload, unsigned.consumes, ()))
    await chain.mine()
    paid = await chain.rpc("getrawtransaction", signed.tx, 1)
    assert script_of(outside, STAND_IN).hex() in {each["scriptPubKey"]["hex"] for each in paid["vout"]}


async def test_an_address_of_another_coin_of_the_family_is_refused(litecoin: UtxoNetwork, chain: Bitcoind) -> None:
    with pytest.raises(ValueError, match="rltc1"):
        litecoin.check_destination(Destination(await chain.new_address()))
    assert address_of(script_of("ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", LITECOIN), LITECOIN) is not None


def test_the_signer_judges_another_coin_by_its_own_limits_and_chain() -> None:
    policy = read_policy({"litecoin": POLICY})["litecoin"]
    assert isinstance(policy, UtxoPolicy)
    assert (policy.chain, set(policy.limits)) == (LITECOIN_REGTEST, {"LTC"})
    with pytest.raises(PolicyMalformed, match="LTC"):
        read_policy({"litecoin": {**POLICY, "assets": {"BTC": POLICY["assets"]["LTC"]}}})
    request = SignRequest(
        SubmissionId("s"), BITCOIN, Purpose.WITHDRAWAL, ("wdr_1",), bitcoin_payload(), ("m/84'/1'/0'/0/3",)
    )
    with pytest.raises(SignerRefused, match="another"):
        weigh_bitcoin(request, policy, KEYS)
