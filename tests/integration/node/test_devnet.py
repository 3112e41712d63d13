from node.devnet.anvil import Anvil
from node.devnet.bitcoind import Bitcoind


async def test_the_outside_wallet_pays_and_the_payment_is_mined(bitcoind: Bitcoind) -> None:
    tx = await bitcoind.pay(await bitcoind.new_address(), "0.5")
    assert tx in await bitcoind.rpc("getrawmempool")
    (block,) = await bitcoind.mine()
    assert tx in (await bitcoind.rpc("getblock", block))["tx"]


async def test_anvil_pays_and_finalises(anvil: Anvil) -> None:
    accounts = await anvil.accounts()
    tx = await anvil.pay(accounts[5], 10**18)
    receipt = await anvil.rpc("eth_getTransactionReceipt", tx)
    assert receipt["status"] == "0x1"
    await anvil.mine(3)
    final = await anvil.rpc("eth_getBlockByNumber", "finalized", False)
    assert int(final["number"], 16) >= int(receipt["blockNumber"], 16)
