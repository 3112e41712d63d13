"""Many withdrawals in one tx, on a real chain: from the making of the contract to books that agree to the last unit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from chains.evm.payout import deployed_code
from chains.signer.settings import read_settings
from chains.signer.start import open_signer
from node.database import Dsns
from node.devnet.networks import Devnet
from tests.contracts import hostile
from tests.integration.chains.evm.chain import calldata, deploy, mint, send
from tests.scenario.house import ETHEREUM, House, open_house
from tests.scenario.operators import Pair, two_operators
from tests.scenario.paid_in import figures, fresh_ethereum_address, units
from wallet import schema
from wallet.errors import NotAllowed
from wallet.ids import CustomerId
from wallet.payout_contracts.draft import draft_setup
from wallet.payout_contracts.states import Act
from wallet.ports import Destination

PAYEES = 12
REFUSING = 1


@pytest.fixture
async def moody(devnet: Devnet) -> Devnet:
    """The same networks, whose dollar can refuse a payee."""
    return replace(devnet, dev_dollar=await deploy(devnet.anvil, hostile("MoodyToken")))


@asynccontextmanager
async def house_with(devnet: Devnet, dsns: Dsns, folder: Path, contract: str | None) -> AsyncIterator[House]:
    """The signer's own file names the contract, or none yet. Opened on the same again, the node goes on."""
    if contract is None:
        async with open_house(devnet, dsns, folder) as house:
            yield house
        return
    written, named = folder / "signer.toml", folder / "signer-with-contract.toml"
    named.touch(mode=0o600)
    limit = "gas_funding_max ="
    named.write_text(written.read_text().replace(limit, f'payout_contract = "{contract}"\n{limit}', 1))
    signer = open_signer(read_settings(named))
    try:
        async with open_house(devnet, dsns, folder, signer) as house:
            yield house
    finally:
        signer.close()


@dataclass(frozen=True, slots=True)
class Story:
    house: House
    pair: Pair
    contract: str

    async def decided(self, act: Act, asset: str | None) -> str:
        return await self.pair.decide(await draft_setup(self.house.context, ETHEREUM, act, asset, "it is cheaper"))


@pytest.fixture
async def story(moody: Devnet, dsns: Dsns, tmp_path: Path) -> AsyncIterator[Story]:
    """Two operators have the contract made, name it to the signer, and let dollars go through it."""
    folder = tmp_path / "node"
    async with house_with(moody, dsns, folder, None) as house:
        await moody.outside.send_ether(await house.hot(ETHEREUM), 5 * 10**18)
        await house.until(lambda: has_gas(house), ETHEREUM)
        made = Story(house, await two_operators(house), "")
        assert (await made.decided(Act.DEPLOY, None)).startswith("done: submission")
        await house.settled()
        contract = str((await the_contract(house))["contract"])
    async with house_with(moody, dsns, folder, contract) as house:
        await house.until(lambda: is_ready(house), ETHEREUM)
        story = Story(house, await two_operators(house), contract)
        assert (await story.decided(Act.ALLOW, "DUSD")).startswith("done: submission")
        await house.settled()
        yield story


async def has_gas(house: House) -> bool:
    return any(row["state"] == "credited" for row in await house.deposits())


async def the_contract(house: House) -> dict[str, Any]:
    (row,) = await house.rows(schema.payout_contracts)
    return row


async def is_ready(house: House) -> bool:
    return bool((await the_contract(house))["state"] == "ready")


async def with_dollars(house: House, amount: int) -> CustomerId:
    owner = await house.customer("alice")
    await mint(house.devnet.anvil, house.devnet.dev_dollar, await house.address(owner, ETHEREUM), amount * 10**6)
    await house.until(lambda: has(house, owner, str(amount)), ETHEREUM)
    return owner


async def has(house: House, owner: CustomerId, amount: str) -> bool:
    return await figures(house, owner, "DUSD") == (units(house, "DUSD", amount), 0)


async def held(house: House, address: str) -> int:
    call = {"to": house.devnet.dev_dollar, "data": calldata("balanceOf(address)", address)}
    return int(await house.devnet.anvil.rpc("eth_call", call, "latest"), 16)


async def treat(house: House, payee: str, mood: int) -> None:
    await send(house.devnet.anvil, house.devnet.dev_dollar, data=calldata("treat(address,uint8)", payee, mood))


async def test_wdr_09_twelve_are_paid_in_one_tx_and_the_one_whom_the_token_blocks_has_its_money_back(
    story: Story,
) -> None:
    """The token blocks a payee after the payout was signed. Eleven are final; the twelfth customer reads that it failed."""
    house, anvil = story.house, story.house.devnet.anvil
    owners = [await with_dollars(house, 10) for _ in range(3)]
    await house.settled()
    payees = [fresh_ethereum_address() for _ in range(PAYEES)]
    for place, payee in enumerate(payees):
        await house.withdraw(owners[place % 3], ETHEREUM, "DUSD", f"1.{place:02}", Destination(payee))

    await anvil.rpc("evm_setAutomine", False)  # the tx waits in the pool
    try:
        await house.step(ETHEREUM)
        assert {row["state"] for row in await house.withdrawals()} == {"submitted"}
        call = {"from": (await anvil.accounts())[3], "gas": hex(200_000), "gasPrice": hex(500 * 10**9)}
        data = calldata("treat(address,uint8)", payees[4], REFUSING)
        await anvil.rpc("eth_sendTransaction", {**call, "to": house.devnet.dev_dollar, "data": data})
    finally:
        await anvil.rpc("evm_setAutomine", True)
    await house.settled()

    rows = {row["destination"]: row for row in await house.withdrawals()}
    states = [(rows[payee]["state"], rows[payee]["reason"]) for payee in payees]
    assert states == [("failed", "reverted") if place == 4 else ("final", None) for place in range(PAYEES)]
    links = await house.rows(schema.submission_withdrawals)
    assert len({link["submission"] for link in links}) == 1
    assert [await held(house, payee) for payee in payees] == [
        0 if place == 4 else 1_000_000 + 10_000 * place for place in range(PAYEES)
    ]
    spent = [sum(100 + place for place in range(PAYEES) if place % 3 == mine and place != 4) for mine in range(3)]
    left = [f"{(1000 - cents) // 100}.{(1000 - cents) % 100:02}" for cents in spent]
    assert [await has(house, owner, amount) for owner, amount in zip(owners, left, strict=True)] == [True] * 3
    assert await held(house, story.contract) == 0
    await house.prove()


async def test_wdr_10_ether_that_one_payee_refuses_returns_in_the_same_tx_and_is_nobodys_deposit(story: Story) -> None:
    house, anvil = story.house, story.house.devnet.anvil
    assert await story.decided(Act.ALLOW, "ETH") == "done: allow"
    owner = await house.customer("alice")
    await house.devnet.outside.send_ether(await house.address(owner, ETHEREUM), 10**18)
    payees = [fresh_ethereum_address() for _ in range(4)]
    for payee in payees:
        await anvil.rpc("anvil_setBalance", payee, hex(10**15))
    await house.settled()
    start = len(await house.deposits())
    for place, payee in enumerate(payees):
        await house.withdraw(owner, ETHEREUM, "ETH", f"0.0{place + 1}", Destination(payee))

    await anvil.rpc("evm_setAutomine", False)
    try:
        await house.step(ETHEREUM)
        trap = hostile("EtherTrap").bytecode
        code = await anvil.rpc("eth_call", {"data": trap}, "latest")  # what its creation leaves
        await anvil.rpc("anvil_setCode", payees[1], code)
    finally:
        await anvil.rpc("evm_setAutomine", True)
    await house.settled()

    rows = {row["destination"]: row["state"] for row in await house.withdrawals()}
    assert [rows[payee] for payee in payees] == ["final", "failed", "final", "final"]
    assert len({link["submission"] for link in await house.rows(schema.submission_withdrawals)}) == 1
    assert await house.available(owner, "ETH") == "0.920000000000000000"
    assert len(await house.deposits()) == start
    await house.prove()


async def test_a_contract_whose_code_is_not_ours_is_suspended_and_all_are_paid_one_by_one(story: Story) -> None:
    house, anvil = story.house, story.house.devnet.anvil
    owner = await with_dollars(house, 10)
    await house.settled()
    hot = await house.hot(ETHEREUM)
    assert await anvil.rpc("eth_getCode", story.contract, "latest") == "0x" + deployed_code(hot).hex()
    await anvil.rpc("anvil_setCode", story.contract, "0x" + deployed_code(fresh_ethereum_address()).hex())
    await house.until(lambda: is_suspended(house), ETHEREUM)
    assert house.context.network(ETHEREUM).capabilities.batch_max == 1
    payees = [fresh_ethereum_address() for _ in range(3)]
    for payee in payees:
        await house.withdraw(owner, ETHEREUM, "DUSD", "1", Destination(payee))
    await house.settled()
    assert [await held(house, payee) for payee in payees] == [10**6] * 3
    assert len({link["submission"] for link in await house.rows(schema.submission_withdrawals)}) == 3
    with pytest.raises(NotAllowed, match="ready"):
        await draft_setup(house.context, ETHEREUM, Act.ALLOW, "ETH", "again")
    assert (await story.decided(Act.DEPLOY, None)).startswith("failed: the signer refuses")
    await house.prove()


async def is_suspended(house: House) -> bool:
    return bool((await the_contract(house))["state"] == "suspended")


async def test_what_is_revoked_may_move_nothing_any_more(story: Story) -> None:
    house = story.house
    assert (await the_contract(house))["assets"] == ["DUSD"]
    with pytest.raises(NotAllowed, match="already"):
        await draft_setup(house.context, ETHEREUM, Act.ALLOW, "DUSD", "again")
    with pytest.raises(NotAllowed, match="has a payout contract"):
        await draft_setup(house.context, ETHEREUM, Act.DEPLOY, None, "another")
    assert (await story.decided(Act.REVOKE, "DUSD")).startswith("done: submission")
    await house.settled()
    allowance = calldata("allowance(address,address)", await house.hot(ETHEREUM), story.contract)
    call = {"to": house.devnet.dev_dollar, "data": allowance}
    assert int(await house.devnet.anvil.rpc("eth_call", call, "latest"), 16) == 0
    assert await story.decided(Act.ALLOW, "ETH") == "done: allow"
    assert (await the_contract(house))["assets"] == ["ETH"]
    await house.prove()
