"""A token is its contract and its code: two operators list it, and a change of either stops it, on a real chain."""

from typing import Any

import pytest
from sqlalchemy import select

from node.devnet.contracts import dev_dollar
from tests.contracts import hostile
from tests.integration.chains.evm.chain import deploy, mint
from tests.scenario.house import ETHEREUM, House
from tests.scenario.operators import two_operators
from tests.scenario.paid_in import fresh_ethereum_address
from wallet import schema
from wallet.errors import AssetPaused, NotAllowed, OwnProposal, ProposalChanged
from wallet.listings.draft import Wish, draft_listing, draft_resuming
from wallet.listings.watch import suspended_tokens
from wallet.ports import Destination
from wallet.proposals.approve import approve_proposal
from wallet.proposals.carry_out import carry_out_proposals
from wallet.proposals.propose import edit_proposal

IMPLEMENTATION_SLOT = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc"
DOLLAR = 10**6


async def final_token(house: House) -> str:
    """A token of DUSD's kind that nobody listed, in a final block."""
    contract = await deploy(house.devnet.anvil, dev_dollar())
    await house.mine(4)
    return contract


async def listed(house: House, symbol: str) -> str:
    pair, contract = await two_operators(house), await final_token(house)
    draft = await draft_listing(house.context, Wish(ETHEREUM, contract, symbol, sweep_min="8"), "customers ask for it")
    assert await pair.decide(draft) == "done: listed"
    return contract


async def listing(house: House, symbol: str) -> dict[str, Any]:
    row = await house.context.one(select(schema.listings).where(schema.listings.c.id == f"ethereum/{symbol}"))
    assert row is not None
    return dict(row)


async def turns(house: House, count: int = 5) -> None:
    for _ in range(count):
        await house.turn(ETHEREUM)


async def test_dpe_16_a_token_that_two_operators_listed_is_credited_from_then_on(house: House) -> None:
    alice = await house.customer("alice")
    await house.devnet.outside.send_ether(await house.hot(ETHEREUM), 10**18)
    contract = await listed(house, "XUSD")
    assert (await listing(house, "XUSD"))["code_hash"].startswith("0x")
    await mint(house.devnet.anvil, contract, await house.address(alice, ETHEREUM), 7 * DOLLAR)
    await turns(house)
    assert await house.available(alice, "XUSD") == "7.000000"
    assert await house.submissions() == [], "it is worth no sweep, and costs the house no gas (DPE-13)"
    await house.step()
    await house.prove()
    row = await listing(house, "DUSD")  # of the configuration: its code was written down at the first look
    assert (row["code_hash"][:2], row["implementation"], row["suspended"]) == ("0x", None, None)


@pytest.mark.whole
async def test_dpe_16_changed_code_suspends_a_token_before_anything_more_of_it_is_credited(house: House) -> None:
    alice = await house.customer("alice")
    contract = await listed(house, "XUSD")
    place = await house.address(alice, ETHEREUM)
    await mint(house.devnet.anvil, contract, place, 7 * DOLLAR)
    await turns(house)
    code = str(await house.devnet.anvil.rpc("eth_getCode", contract, "latest"))
    await house.devnet.anvil.rpc("anvil_setCode", contract, code + "00")
    await mint(house.devnet.anvil, contract, place, 9 * DOLLAR)
    await turns(house)
    assert "code_hash" in (await listing(house, "XUSD"))["suspended"]
    assert await house.available(alice, "XUSD") == "7.000000"
    with pytest.raises(AssetPaused, match="XUSD on ethereum"):
        await house.withdraw(alice, ETHEREUM, "XUSD", "1", Destination(fresh_ethereum_address()))
    assert not [row for row in await house.rows(schema.assets) if row["paused"]], "only this token on this network"


async def test_dpe_16_another_implementation_behind_a_proxy_suspends_it_and_two_operators_let_it_go_on(
    house: House,
) -> None:
    alice = await house.customer("alice")
    contract = await listed(house, "XUSD")
    behind = await deploy(house.devnet.anvil, hostile("SilentToken"))
    word = "0x" + behind[2:].lower().rjust(64, "0")
    await house.devnet.anvil.rpc("anvil_setStorageAt", contract, IMPLEMENTATION_SLOT, word)
    await mint(house.devnet.anvil, contract, await house.address(alice, ETHEREUM), 7 * DOLLAR)
    await turns(house)
    assert "implementation" in (await listing(house, "XUSD"))["suspended"]
    (told,) = (await suspended_tokens(house.context))["ethereum"]
    assert (told["asset"], told["contract"]) == ("XUSD", contract)
    assert await credited_of(house, alice) == []
    pair = await two_operators(house)
    assert await pair.decide(await draft_resuming(house.context, ETHEREUM, "XUSD", "audited")) == "done: resumed"
    await turns(house, 2)
    assert (await listing(house, "XUSD"))["implementation"] == behind
    assert await house.available(alice, "XUSD") == "7.000000"


async def credited_of(house: House, owner: str) -> list[str]:
    return [row["id"] for row in await house.deposits() if row["owner"] == owner and row["state"] == "credited"]


async def test_dpe_16_what_is_not_a_token_of_that_name_is_not_even_proposed(house: House) -> None:
    contract = await listed(house, "XUSD")
    other = await final_token(house)
    wrong = {
        "already": Wish(ETHEREUM, other, "XUSD", sweep_min="1"),
        "listed on": Wish(ETHEREUM, contract, "YUSD", sweep_min="1"),
        "no contract": Wish(ETHEREUM, fresh_ethereum_address(), "YUSD"),
        "capital letters": Wish(ETHEREUM, other, "U\u0405D\u0422", sweep_min="1"),
        "decimals in these books": Wish(ETHEREUM, other, "ETH", scale=6, sweep_min="1"),
        "worth a sweep": Wish(ETHEREUM, other, "YUSD"),
        "has no contracts": Wish("bitcoin", other, "YUSD", sweep_min="1"),
    }
    for reason, wish in wrong.items():
        with pytest.raises(NotAllowed, match=reason):
            await draft_listing(house.context, wish, "why not")
    homoglyph = "U\u0405D\u0422".encode()  # as USDT looks
    answer = (32).to_bytes(32, "big") + len(homoglyph).to_bytes(32, "big") + homoglyph.ljust(32, b"\0")
    await house.devnet.anvil.rpc("anvil_setCode", other, answering(answer))
    await house.mine(4)
    with pytest.raises(NotAllowed, match="plain ASCII"):
        await draft_listing(house.context, Wish(ETHEREUM, other, "USDT", sweep_min="1"), "why not")


def answering(answer: bytes) -> str:
    """Code that gives this answer to symbol() and 6 to everything else."""
    symbol = "".join(f"7f{answer[place : place + 32].hex()}60{place:02x}52" for place in range(0, len(answer), 32))
    symbol += f"60{len(answer):02x}6000f3"
    otherwise = "600660005260206000f3"
    start = "60003560e01c6395d89b4114"  # is the selector symbol()'s?
    jump = len(bytes.fromhex(start)) + 3 + len(bytes.fromhex(otherwise))
    return f"0x{start}60{jump:02x}57{otherwise}5b{symbol}"


async def test_dpe_16_an_edit_voids_what_was_approved_and_a_contract_that_changed_since_is_not_listed(
    house: House,
) -> None:
    pair, contract = await two_operators(house), await final_token(house)
    first = await draft_listing(house.context, Wish(ETHEREUM, contract, "XUSD", sweep_min="1"), "customers ask for it")
    name, digest = await pair.proposed(first)
    with pytest.raises(OwnProposal):
        await approve_proposal(house.context, pair.ann, name, digest)
    await approve_proposal(house.context, pair.ben, name, digest)
    wish = Wish(ETHEREUM, contract, "XUSD", deposit_min="5", sweep_min="10")
    second = await draft_listing(house.context, wish, "with a minimum")
    edited = (await edit_proposal(house.context, pair.ann, name, second)).result
    assert (edited["status"], edited["approvals"]) == ("proposed", {})
    with pytest.raises(ProposalChanged):
        await approve_proposal(house.context, pair.ben, name, digest)
    assert edited["digest"] != digest
    assert edited["words"]
    await approve_proposal(house.context, pair.ben, name, str(edited["digest"]))
    code = str(await house.devnet.anvil.rpc("eth_getCode", contract, "latest"))
    await house.devnet.anvil.rpc("anvil_setCode", contract, code + "00")
    await house.mine(4)
    await carry_out_proposals(house.context)
    assert (await pair.state(name)).startswith("failed: the contract is not what was approved any more: code_hash")
    assert "XUSD" not in house.context.assets
