"""Money sent wrongly on real chains: it is shown with the reason, and what can be had back comes back, once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from eth_hash.auto import keccak

from node.database import Dsns
from node.devnet.anvil import CHAIN_ID, Anvil, find_anvil
from node.devnet.contracts import dev_dollar
from node.devnet.networks import Devnet
from tests.integration.chains.evm.chain import calldata, deploy, mint
from tests.scenario.house import ETHEREUM, House, open_house
from tests.scenario.operators import Pair, two_operators
from tests.scenario.paid_in import fresh_ethereum_address
from wallet import schema
from wallet.deposits.adopt import draft_adoption
from wallet.deposits.one_provider import accept_deposit
from wallet.errors import NotAllowed
from wallet.ids import CustomerId, NetworkId
from wallet.listings.draft import Wish, draft_listing
from wallet.proposals.approve import ActSignature, sign_proposal
from wallet.proposals.carry_out import carry_out_proposals
from wallet.strays.credit import draft_credit
from wallet.strays.recover import draft_recovery

BASE = NetworkId("base")
ETHER, DOLLAR = 10**18, 10**6


@pytest.fixture
async def base(tmp_path: Path) -> AsyncIterator[Anvil]:
    chain = Anvil(tmp_path / "base-anvil", find_anvil(), state=False)
    await chain.start()
    yield chain
    await chain.stop()


@pytest.fixture
async def wide(devnet: Devnet, dsns: Dsns, tmp_path: Path, base: Anvil) -> AsyncIterator[House]:
    """A house with a second EVM network of the same keys."""
    node = f"""[networks.base]
kind = "evm"
url = "{base.url}"
chain_id = {CHAIN_ID}
assets.ETH = {{ decimals = 18 }}
"""
    signer = f"""[networks.base]
kind = "evm"
chain_id = {CHAIN_ID}
fee_max = "0.05"
fee_window_max = "1"
gas_funding_max = "0.02"
window_s = 86400
assets.ETH = {{ decimals = 18, submission_max = "10", window_max = "50" }}
"""
    async with open_house(devnet, dsns, tmp_path / "node", also=(node, signer)) as house:
        yield house


@dataclass(frozen=True, slots=True)
class Strayed:
    """Seven dollars of a token that nobody listed, at an address of Alice's, in a final block."""

    alice: CustomerId
    pair: Pair
    contract: str
    id: str


async def strayed(house: House) -> Strayed:
    alice, pair, anvil = await house.customer("alice"), await two_operators(house), house.devnet.anvil
    contract = await deploy(anvil, dev_dollar())
    await mint(anvil, contract, await house.address(alice, ETHEREUM), 7 * DOLLAR)
    await turns(house, ETHEREUM, chain=anvil)
    (stray,) = await strays_of(house, alice)
    assert (stray["state"], stray["reason"], stray["symbol"]) == ("seen", "unlisted_token", "DUSD")
    return Strayed(alice, pair, contract, stray["id"])


async def list_it(house: House, stray: Strayed) -> None:
    wish = Wish(ETHEREUM, stray.contract, "XUSD", sweep_min="1")
    assert await stray.pair.decide(await draft_listing(house.context, wish, "customers ask for it")) == "done: listed"


async def deposits_of(house: House, owner: CustomerId) -> list[dict[str, Any]]:
    return [row for row in await house.deposits() if row["owner"] == owner]


async def strays_of(house: House, owner: CustomerId) -> list[dict[str, Any]]:
    return [row for row in await house.rows(schema.strays) if row["owner"] == owner]


async def turns(house: House, *networks: NetworkId, chain: Anvil, count: int = 5) -> None:
    for _ in range(count):
        await chain.mine()
        await house.step(*networks)


async def test_ether_over_the_wrong_network_is_shown_and_two_operators_keep_it_for_its_owner(
    wide: House, base: Anvil
) -> None:
    alice = await wide.customer("alice")
    await base.pay(await wide.address(alice, ETHEREUM), 2 * ETHER, account=3)
    await turns(wide, BASE, chain=base)
    (deposit,) = await deposits_of(wide, alice)
    assert (deposit["network"], deposit["state"], deposit["reason"]) == ("base", "quarantined", "wrong_network")
    assert await wide.available(alice, "ETH") == "0.000000000000000000"
    await wide.step()
    await wide.prove()
    pair = await two_operators(wide)
    draft = await draft_adoption(wide.context, deposit["id"], "she asked for it")
    assert await pair.decide(draft) == "done: credited when it is final"
    await turns(wide, BASE, chain=base)
    assert await wide.available(alice, "ETH") == "2.000000000000000000"
    with pytest.raises(NotAllowed):
        await draft_adoption(wide.context, deposit["id"], "and once more")
    await base.pay(await wide.address(alice, ETHEREUM), ETHER, account=3)
    await turns(wide, BASE, chain=base)
    assert await wide.available(alice, "ETH") == "3.000000000000000000", "the address is hers on both from now on"
    await wide.step()
    await wide.prove()


@pytest.mark.whole
async def test_a_stray_whose_token_is_listed_later_is_credited_once(house: House) -> None:
    stray = await strayed(house)
    with pytest.raises(NotAllowed, match="not listed"):
        await draft_credit(house.context, stray.id, "she asked for it")
    await list_it(house, stray)
    draft = await draft_credit(house.context, stray.id, "she asked for it")
    again = await stray.pair.proposed(draft)
    assert (await stray.pair.decide(draft)).startswith("done: deposit dep_")
    assert (await stray.pair.approve(*again)).startswith("failed:")
    await turns(house, ETHEREUM, chain=house.devnet.anvil)
    assert await house.available(stray.alice, "XUSD") == "7.000000"
    assert [row["state"] for row in await strays_of(house, stray.alice)] == ["credited"]
    await house.step()
    await house.prove()


async def grown_since(house: House, stray: Strayed) -> dict[str, Any]:
    """The same money, as the balance shows it once its token is listed."""
    await list_it(house, stray)
    await turns(house, ETHEREUM, chain=house.devnet.anvil)
    (grown,) = await deposits_of(house, stray.alice)
    assert (grown["state"], grown["reason"], grown["units"]) == ("quarantined", "balance_grew", 7 * DOLLAR)
    return grown


async def test_a_stray_that_is_shown_as_growth_since_its_token_was_listed_is_credited_once(house: House) -> None:
    stray = await strayed(house)
    with pytest.raises(NotAllowed, match="not listed"):
        await draft_credit(house.context, stray.id, "she asked for it")
    grown = await grown_since(house, stray)
    draft = await draft_credit(house.context, stray.id, "she asked for it")
    again = await stray.pair.proposed(draft)
    assert (await stray.pair.decide(draft)).startswith("done: deposit dep_")
    assert (await stray.pair.approve(*again)).startswith("failed:")
    (beside,) = [row for row in await deposits_of(house, stray.alice) if row["id"] == grown["id"]]
    assert beside["version"] > grown["version"]  # who was about to accept it is stale
    with pytest.raises(NotAllowed, match="a tx tells of it"):
        await accept_deposit(house.context, "op", grown["id"], "it is there")
    await turns(house, ETHEREUM, chain=house.devnet.anvil)
    assert await house.available(stray.alice, "XUSD") == "7.000000"
    (grown,) = [row for row in await deposits_of(house, stray.alice) if row["id"] == grown["id"]]
    assert (grown["state"], grown["reason"]) == ("orphaned", "left_again")
    await house.step()
    await house.prove()


async def test_a_stray_whose_growth_was_accepted_is_a_stray_no_more_and_is_not_credited_beside_it(house: House) -> None:
    stray = await strayed(house)
    grown = await grown_since(house, stray)
    draft = await draft_credit(house.context, stray.id, "she asked for it")
    await accept_deposit(house.context, "op", grown["id"], "it is there")
    assert [row["state"] for row in await strays_of(house, stray.alice)] == ["credited"]
    assert (await stray.pair.decide(draft)).startswith("failed:")
    await turns(house, ETHEREUM, chain=house.devnet.anvil)
    assert await house.available(stray.alice, "XUSD") == "7.000000"
    await house.prove()


async def test_dpe_03_a_stray_that_no_balance_bears_out_is_not_credited_when_its_token_is_listed(house: House) -> None:
    stray, anvil = await strayed(house), house.devnet.anvil
    await list_it(house, stray)
    place = await house.address(stray.alice, ETHEREUM)
    await mint(anvil, stray.contract, place, 5 * DOLLAR)
    await turns(house, ETHEREUM, chain=anvil)
    slot = keccak(
        bytes.fromhex(place[2:]).rjust(32, b"\0") + bytes(32)
    )  # of OpenZeppelin's balances, its first variable
    five = "0x" + (5 * DOLLAR).to_bytes(32, "big").hex()
    await anvil.rpc("anvil_setStorageAt", stray.contract, "0x" + slot.hex(), five)
    await anvil.mine(4)
    with pytest.raises(NotAllowed, match="does not hold it"):
        await draft_credit(house.context, stray.id, "she asked for it")


ANN, BEN, EVE = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3))


def signed(key: Ed25519PrivateKey, digest: str) -> ActSignature:
    return ActSignature(key.public_key().public_bytes_raw().hex(), key.sign(bytes.fromhex(digest)).hex())


@pytest.fixture
async def enrolled(devnet: Devnet, dsns: Dsns, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose signer enrols two approvers, and asks for both."""
    names = ", ".join(f'{name} = "{signed(key, "").key}"' for name, key in (("ann", ANN), ("ben", BEN)))
    more = f"[networks.ethereum.recovery]\napprovers = {{ {names} }}\n"
    async with open_house(devnet, dsns, tmp_path / "node", also=("", more)) as house:
        yield house


async def held(house: House, contract: str, owner: str) -> int:
    call = {"to": contract, "data": calldata("balanceOf(address)", owner)}
    return int(await house.devnet.anvil.rpc("eth_call", call, "latest"), 16)


async def test_a_stray_is_sent_where_its_owner_wants_it_when_two_enrolled_operators_have_signed_that(
    enrolled: House,
) -> None:
    """The signer counts approvers of its own, and nothing is spent without them. All other ways to have too few:
    tests/unit/signer/test_recovery.py."""
    house, to = enrolled, fresh_ethereum_address()
    await house.devnet.outside.send_ether(await house.hot(ETHEREUM), ETHER)
    stray = await strayed(house)
    pair = stray.pair
    name, digest = await pair.proposed(await draft_recovery(house.context, stray.id, to, "she asked for it"))
    for key in (ANN, EVE):
        await sign_proposal(house.context, pair.ann, name, digest, signed(key, digest))
    assert "enrolled approvers have signed this very act" in await pair.approve(name, digest)
    assert await house.submissions() == []
    assert await held(house, stray.contract, await house.address(stray.alice, ETHEREUM)) == 7 * DOLLAR
    assert [row["state"] for row in await strays_of(house, stray.alice)] == ["seen"]
    name, digest = await pair.proposed(await draft_recovery(house.context, stray.id, to, "she asked for it"))
    await sign_proposal(house.context, pair.ann, name, digest, signed(ANN, digest))
    assert await pair.approve(name, digest, signed(BEN, digest)) == "approved: None", "gas goes first"
    for _ in range(14):
        await turns(house, ETHEREUM, chain=house.devnet.anvil, count=1)
        await carry_out_proposals(house.context)
    assert (await pair.state(name)).startswith("done: submission sub_")
    assert await held(house, stray.contract, to) == 7 * DOLLAR
    (row,) = await strays_of(house, stray.alice)
    assert row["state"] == "recovered"
    purposes = [sent["purpose"] for sent in await house.submissions()]
    assert sorted(purposes) == ["gas_funding", "recovery"], "each once"
    with pytest.raises(NotAllowed, match="recovered"):
        await draft_recovery(house.context, stray.id, to, "and once more")
    await house.step()
    await house.prove()
