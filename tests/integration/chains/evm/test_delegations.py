"""EIP-7702: addresses that have keys and code. Delegations are signed and sent as a wallet does, in txs of type 4."""

from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from node.devnet.anvil import CHAIN_ID, Anvil
from tests.contracts import hostile
from tests.integration.chains.evm.chain import (
    GWEI,
    MASTER,
    Ours,
    calldata,
    deploy,
    mint,
    receipt_of,
    send,
)
from wallet.ports import Block

ETHER = 10**18


async def funded(chain: Anvil) -> LocalAccount:
    account: LocalAccount = Account.create()
    await chain.rpc("anvil_setBalance", account.address, hex(100 * ETHER))
    return account


async def send_type_4(
    chain: Anvil, sender: LocalAccount, owner: LocalAccount, code: str, **fields: Any
) -> dict[str, Any]:
    """A tx of `sender` that makes `code` the code of `owner`, and does what `fields` say besides."""
    nonces = [int(await chain.rpc("eth_getTransactionCount", one.address, "latest"), 16) for one in (sender, owner)]
    own = sender.address == owner.address
    signed = owner.sign_authorization({"chainId": CHAIN_ID, "address": code, "nonce": nonces[1] + (1 if own else 0)})
    tx = {
        "type": 4,
        "chainId": CHAIN_ID,
        "nonce": nonces[0],
        "gas": 500_000,
        "maxFeePerGas": 100 * GWEI,
        "maxPriorityFeePerGas": GWEI,
        "to": sender.address,
        "value": 0,
        "data": "0x",
        "authorizationList": [signed],
        **fields,
    }
    raw = bytes(sender.sign_transaction(tx).raw_transaction)
    return await receipt_of(chain, await chain.rpc("eth_sendRawTransaction", "0x" + raw.hex()))


async def block_of(us: Ours, receipt: dict[str, Any]) -> Block:
    height = int(receipt["blockNumber"], 16)
    (block,) = await us.blocks(height, height)
    return block


async def test_dpe_14_a_delegated_deposit_address_is_credited_what_stays(chain: Anvil, us: Ours, dollar: str) -> None:
    """Somebody pays for the delegation of an address of ours, which only its key could sign, and then pays it."""
    derived = us.derived()
    ours: LocalAccount = Account.from_key(MASTER.get_privkey_from_path(derived.path))
    assert ours.address == derived.address
    payer = await funded(chain)
    keeping, spending = [await deploy(chain, hostile(name)) for name in ("KeepingWallet", "SpendingWallet")]
    await send_type_4(chain, payer, ours, keeping)
    code = await chain.rpc("eth_getCode", derived.address, "latest")
    assert code == "0xef0100" + keeping[2:].lower()
    plain = await send(chain, derived.address, wei=1_000)
    token = await mint(chain, dollar, derived.address, 5)
    await send_type_4(chain, payer, ours, spending)
    half = await send(chain, derived.address, wei=1_000)
    arrivals = [one for receipt in (plain, token, half) for one in (await block_of(us, receipt)).incoming]
    assert [(one.amount.units, one.doubt) for one in arrivals] == [(1_000, None), (5, None), (500, None)]


async def test_dpe_14_a_delegation_and_a_payment_in_one_tx_arrive_once(chain: Anvil, us: Ours) -> None:
    derived = us.derived()
    ours: LocalAccount = Account.from_key(MASTER.get_privkey_from_path(derived.path))
    payer, code = await funded(chain), await deploy(chain, hostile("KeepingWallet"))
    receipt = await send_type_4(chain, payer, ours, code, to=derived.address, value=77)
    assert receipt["type"] == "0x4"
    (arrival,) = (await block_of(us, receipt)).incoming
    assert (arrival.address, arrival.amount.units, arrival.doubt) == (derived.address, 77, None)


@pytest.mark.parametrize("wei", [5 * ETHER])
async def test_dpe_14_a_delegated_sender_pays_from_inside_its_own_code(chain: Anvil, us: Ours, wei: int) -> None:
    """A smart account: its tx goes to itself, and its own code makes the payments."""
    wallet, account = await funded(chain), await deploy(chain, hostile("ContractAccount"))
    address = us.address()
    data = calldata("execute(address,uint256,bytes)", address, wei, b"")
    receipt = await send_type_4(chain, wallet, wallet, account, data=data)
    assert receipt["status"] == "0x1"
    (arrival,) = (await block_of(us, receipt)).incoming
    assert (arrival.address, arrival.amount.units, arrival.doubt) == (address, wei, None)
    assert arrival.identity.endswith(":trace:0")
