"""Tokens that are not listed, at addresses of ours: told with what their contracts call themselves, and never an arrival."""

from typing import Any

import pytest

from chains.evm import strays
from node.devnet.anvil import CHAIN_ID, Anvil
from node.devnet.contracts import dev_dollar
from tests.contracts import hostile
from tests.integration.chains.evm.chain import Ours, calldata, deploy, mint, send
from wallet.ports import Block


async def block_of(us: Ours, receipt: dict[str, Any]) -> Block:
    height = int(receipt["blockNumber"], 16)
    (block,) = await us.blocks(height, height)
    return block


async def test_dpe_03_a_token_that_is_not_listed_is_told_and_no_arrival(chain: Anvil, us: Ours) -> None:
    """It has the name of one that is."""
    contract, address = await deploy(chain, dev_dollar()), us.address()
    receipt = await mint(chain, contract, address, 5_000_000)
    block = await block_of(us, receipt)
    assert block.incoming == ()
    (stray,) = block.strays
    assert stray.identity == f"{CHAIN_ID}:{receipt['transactionHash']}:log:0"
    assert (stray.address, stray.contract, stray.units) == (address, contract.lower(), 5_000_000)
    assert (stray.symbol, stray.decimals) == ("DUSD", 6)


async def test_a_token_that_does_not_tell_its_name_is_told_without(chain: Anvil, us: Ours) -> None:
    contract = await deploy(chain, hostile("BoastingToken"))
    (stray,) = (await block_of(us, await mint(chain, contract, us.address(), 7))).strays
    assert (stray.symbol, stray.decimals) == (None, 6)


async def test_strays_of_others_are_not_told(chain: Anvil, us: Ours) -> None:
    contract = await deploy(chain, dev_dollar())
    block = await block_of(us, await mint(chain, contract, (await chain.accounts())[5], 7))
    assert block.strays == ()


async def test_dpe_13_a_flood_of_nothing_is_not_told(chain: Anvil, us: Ours) -> None:
    contract, address = await deploy(chain, hostile("CrowdToken")), us.address()
    receipt = await send(chain, contract, data=calldata("spam(address,uint256,uint256)", address, 2_000, 0))
    assert len(receipt["logs"]) == 2_000
    block = await block_of(us, receipt)
    assert (block.incoming, block.strays, block.strays_beyond) == ((), (), 0)


async def test_dpe_13_of_a_flood_a_part_is_told_and_the_rest_counted(
    chain: Anvil, us: Ours, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strays, "STRAYS_MAX", 100)
    contract, address = await deploy(chain, hostile("CrowdToken")), us.address()
    receipt = await send(chain, contract, data=calldata("spam(address,uint256,uint256)", address, 250, 1))
    block = await block_of(us, receipt)
    assert (len(block.strays), block.strays_beyond) == (100, 150)
    assert [stray.identity.rpartition(":")[2] for stray in block.strays] == [str(number) for number in range(100)]
