"""A token whose tx succeeded and that said nothing of it: provably not paid, or a doubt that a person ends."""

from chains.evm.token import TRANSFER_TOPIC
from chains.evm.unmoved import BALANCE_DISAGREES, BALANCE_UNREADABLE, MOVED_OTHERWISE
from node.devnet.anvil import Anvil
from tests.contracts import hostile
from tests.integration.chains.evm.chain import (
    DUSD,
    ETH,
    GWEI,
    Meet,
    Ours,
    calldata,
    deploy,
    listed,
    mint,
    receipt_of,
    sign,
)
from tests.integration.chains.evm.lying import LyingNode, Refusal
from wallet.money import Amount
from wallet.ports import Destination, Fate, Fee, Instruction, NonceSource, Status, SubmissionRef

FEE = Fee(20 * GWEI, Amount(0, ETH), GWEI)
PAYEE = "0xb0B0000000000000000000000000000000000B0b".lower()
DOLLAR = 10**6
TELLS_OF_ONE_UNIT = "0x6001600052600435337f" + TRANSFER_TOPIC[2:] + "60206000a360206000f3"
"""Code that logs a Transfer of one unit, whatever was asked of it, and answers true."""


async def paying(chain: Anvil, us: Ours, token: str) -> SubmissionRef:
    """A payment of one dollar, signed and not sent yet."""
    source = us.derived()
    await chain.rpc("anvil_setBalance", source.address, hex(10**18))
    await mint(chain, token, source.address, 5 * DOLLAR)
    target = us.network.check_destination(Destination(PAYEE))
    instruction = Instruction("wdr_1", target, Amount(DOLLAR, DUSD))
    unsigned = await us.network.build([instruction], NonceSource(source.address, source.path, 0), FEE)
    return sign(unsigned, source.path)


async def status_of(chain: Anvil, us: Ours, submission: SubmissionRef) -> Status:
    await us.network.submit(submission)
    assert (await receipt_of(chain, submission.tx))["status"] == "0x1"
    return await us.network.status(submission)


async def test_wdr_09_a_token_that_moves_without_a_word_is_neither_paid_nor_failed(chain: Anvil, meet: Meet) -> None:
    token = await deploy(chain, hostile("QuietToken"))
    us = meet(listed(token))
    status = await status_of(chain, us, await paying(chain, us, token))
    assert (status.fate, status.succeeded, status.doubt) == (Fate.INCLUDED, False, BALANCE_DISAGREES)


async def becomes(chain: Anvil, token: str, name: str) -> None:
    """Its code is exchanged between the trial and the block; both keep their balances at the same place."""
    other = await deploy(chain, hostile(name))
    await chain.rpc("anvil_setCode", token, await chain.rpc("eth_getCode", other, "latest"))


async def test_wdr_09_a_token_that_tells_of_another_amount_is_a_doubt(chain: Anvil, meet: Meet) -> None:
    token = await deploy(chain, hostile("SixDecimals"))
    us = meet(listed(token))
    submission = await paying(chain, us, token)
    await chain.rpc("anvil_setCode", token, TELLS_OF_ONE_UNIT)
    status = await status_of(chain, us, submission)
    assert (status.succeeded, status.doubt) == (False, MOVED_OTHERWISE)


async def test_wdr_09_a_token_that_answers_false_has_provably_not_paid_whatever_else_moves(
    chain: Anvil, meet: Meet
) -> None:
    token = await deploy(chain, hostile("SixDecimals"))
    us = meet(listed(token))
    submission = await paying(chain, us, token)
    await becomes(chain, token, "RefusingToken")
    source = submission.consumes[0].partition(":")[0]
    await chain.rpc("evm_setAutomine", False)
    try:
        printing = {
            "from": (await chain.accounts())[0],
            "to": token,
            "data": calldata("mint(address,uint256)", source, 7),
        }
        beside = await chain.rpc("eth_sendTransaction", printing)
        await us.network.submit(submission)
        await chain.mine()
    finally:
        await chain.rpc("evm_setAutomine", True)
    blocks = {(await receipt_of(chain, tx))["blockNumber"] for tx in (beside, submission.tx)}
    assert len(blocks) == 1, "both are in one block"
    status = await us.network.status(submission)
    assert (status.fate, status.succeeded, status.doubt) == (Fate.INCLUDED, False, None)


async def test_what_a_provider_has_forgotten_is_a_doubt_and_no_refund(
    chain: Anvil, meet: Meet, lying: LyingNode
) -> None:
    token = await deploy(chain, hostile("SixDecimals"))
    us = meet(listed(token), url=lying.url)
    submission = await paying(chain, us, token)
    await becomes(chain, token, "RefusingToken")
    assert (await status_of(chain, us, submission)).doubt is None

    def forgotten(*_: object) -> None:
        raise Refusal(-32000, "missing trie node")

    lying.lies["eth_getLogs"] = forgotten
    assert (await us.network.status(submission)).doubt == BALANCE_UNREADABLE
