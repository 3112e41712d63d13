"""Building, sending and following txs on a real chain."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from chains.evm.decode import decode
from node.devnet.anvil import Anvil
from node.devnet.contracts import dev_dollar
from tests.contracts import hostile
from tests.integration.chains.evm.chain import (
    DUSD,
    ETH,
    GWEI,
    Meet,
    Ours,
    deploy,
    listed,
    mint,
    receipt_of,
    send,
    sign,
)
from tests.integration.chains.evm.lying import LyingNode, Refusal
from wallet.money import Amount, Asset
from wallet.ports import (
    Branch,
    Derived,
    Destination,
    Fate,
    Fee,
    FundsShort,
    Instruction,
    NetworkRejected,
    NetworkUnreachable,
    NonceSource,
    SubmissionRef,
    Unsigned,
)

BOB_OUTSIDE = "0xB0B0000000000000000000000000000000000B0b"
FEE = Fee(20 * GWEI, Amount(0, ETH), GWEI)


async def funded(chain: Anvil, us: Ours, wei: int = 10**18) -> Derived:
    """A fresh address of ours that holds ether, and that no test has paid from."""
    derived = us.derived()
    await chain.rpc("anvil_setBalance", derived.address, hex(wei))
    return derived


def bob(us: Ours) -> str:
    return us.network.check_destination(Destination(BOB_OUTSIDE.lower())).address


def pay(us: Ours, amount: Amount, target: str | None = None) -> list[Instruction]:
    return [Instruction("wdr_1", Destination(target or bob(us)), amount)]


async def build(us: Ours, source: Derived, amount: Amount, *, nonce: int = 0, fee: Fee = FEE) -> Unsigned:
    return await us.network.build(pay(us, amount), NonceSource(source.address, source.path, nonce), fee)


async def balance(chain: Anvil, address: str) -> int:
    return int(await chain.rpc("eth_getBalance", address, "latest"), 16)


@pytest.fixture
async def held_back(chain: Anvil) -> AsyncIterator[None]:
    """Txs wait in the pool until a test mines."""
    await chain.rpc("evm_setAutomine", False)
    yield
    await chain.rpc("evm_setAutomine", True)


async def test_ether_goes_from_built_to_final(chain: Anvil, us: Ours) -> None:
    source = await funded(chain, us)
    before = await balance(chain, bob(us))
    unsigned = await build(us, source, Amount(10**15, ETH))
    assert unsigned.consumes == (f"{source.address}:0",)
    assert unsigned.fee_max == Amount(21_000 * FEE.rate, ETH)
    submission = sign(unsigned, source.path)
    assert (await us.network.status(submission)).fate is Fate.UNKNOWN

    await us.network.submit(submission)
    receipt = await receipt_of(chain, submission.tx)
    included = await us.network.status(submission)
    assert (included.fate, included.succeeded) == (Fate.INCLUDED, True)
    assert included.fee_paid == Amount(int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16), ETH)
    assert included.fee_paid <= unsigned.fee_max
    assert await balance(chain, bob(us)) == before + 10**15

    await chain.mine(4)
    final = await us.network.status(submission)
    assert final == replace(included, fate=Fate.FINAL)
    assert await us.network.next_nonce(source.address) == 1


async def test_tokens_go_from_built_to_final(chain: Anvil, us: Ours, dollar: str) -> None:
    source = await funded(chain, us)
    await mint(chain, dollar, source.address, 1_500_000)
    unsigned = await build(us, source, Amount(1_000_000, DUSD))
    tx = decode(unsigned.payload)
    assert (tx.target, tx.value, tx.transfer and tx.transfer.units) == (dollar, 0, 1_000_000)
    submission = sign(unsigned, source.path)
    await us.network.submit(submission)
    await receipt_of(chain, submission.tx)
    await chain.mine(4)
    final = await us.network.status(submission)
    assert (final.fate, final.succeeded) == (Fate.FINAL, True)
    observed = await us.network.observe([source.address], await us.network.tip())
    assert observed.units["DUSD"] == 500_000


async def test_the_same_bytes_may_be_sent_again_at_any_time(chain: Anvil, us: Ours, held_back: None) -> None:
    source = await funded(chain, us)
    submission = sign(await build(us, source, Amount(1, ETH)), source.path)
    await us.network.submit(submission)
    await us.network.submit(submission)
    assert (await us.network.status(submission)).fate is Fate.PENDING
    assert await us.network.next_nonce(source.address) == 1
    await chain.mine()
    await us.network.submit(submission)
    assert (await us.network.status(submission)).fate is Fate.INCLUDED
    assert await us.network.next_nonce(source.address) == 1


async def test_a_tx_is_dead_only_when_another_used_its_nonce_finally(chain: Anvil, us: Ours) -> None:
    source = await funded(chain, us)
    loser = sign(await build(us, source, Amount(1, ETH)), source.path)
    winner = sign(await build(us, source, Amount(2, ETH)), source.path)
    await us.network.submit(winner)
    await receipt_of(chain, winner.tx)
    assert (await us.network.status(loser)).fate is Fate.UNKNOWN
    with pytest.raises(NetworkRejected):
        await us.network.submit(loser)
    await chain.mine(4)
    assert (await us.network.status(loser)).fate is Fate.DEAD
    assert (await us.network.status(winner)).fate is Fate.FINAL


async def test_a_dropped_tx_is_unknown_and_not_dead(chain: Anvil, us: Ours, held_back: None) -> None:
    source = await funded(chain, us)
    submission = sign(await build(us, source, Amount(1, ETH)), source.path)
    await us.network.submit(submission)
    await chain.rpc("anvil_dropTransaction", submission.tx)
    await chain.mine(5)
    assert (await us.network.status(submission)).fate is Fate.UNKNOWN
    await us.network.submit(submission)
    assert (await us.network.status(submission)).fate is Fate.PENDING


async def test_a_reorg_takes_an_included_tx_back(chain: Anvil, us: Ours) -> None:
    source = await funded(chain, us)
    await chain.mine(2)
    submission = sign(await build(us, source, Amount(1, ETH)), source.path)
    await us.network.submit(submission)
    await receipt_of(chain, submission.tx)
    assert (await us.network.status(submission)).fate is Fate.INCLUDED
    await chain.rpc("anvil_reorg", 1, [])
    assert (await us.network.status(submission)).fate in {Fate.UNKNOWN, Fate.PENDING}


async def test_a_reverted_payment_costs_its_fee_and_moves_nothing(chain: Anvil, us: Ours) -> None:
    """The payee starts to refuse between our trial and the block."""
    source = await funded(chain, us)
    payee = us.derived().address
    unsigned = await us.network.build(
        pay(us, Amount(10**15, ETH), payee), NonceSource(source.address, source.path, 0), FEE
    )
    await chain.rpc("anvil_setCode", payee, "0xfe")
    submission = sign(unsigned, source.path)
    await us.network.submit(submission)
    await receipt_of(chain, submission.tx)
    status = await us.network.status(submission)
    assert (status.fate, status.succeeded) == (Fate.INCLUDED, False)
    assert status.fee_paid is not None
    assert await balance(chain, payee) == 0
    assert await balance(chain, source.address) == 10**18 - status.fee_paid.units


async def test_a_token_that_answers_false_is_refused_before_and_unpaid_after(chain: Anvil, meet: Meet) -> None:
    honest, refusing = await deploy(chain, dev_dollar()), hostile("RefusingToken")
    us = meet(listed(honest))
    source = await funded(chain, us)
    await mint(chain, honest, source.address, 10**6)
    unsigned = await build(us, source, Amount(10**6, DUSD))
    other = await deploy(chain, refusing)
    await chain.rpc("anvil_setCode", honest, await chain.rpc("eth_getCode", other, "latest"))
    with pytest.raises(NetworkRejected, match="false"):
        await build(us, source, Amount(10**6, DUSD))
    submission = sign(unsigned, source.path)
    await us.network.submit(submission)
    receipt = await receipt_of(chain, submission.tx)
    assert receipt["status"] == "0x1"
    assert (await us.network.status(submission)).succeeded is False


async def test_a_token_of_usdt_kind_is_paid_out(chain: Anvil, meet: Meet) -> None:
    contract = await deploy(chain, hostile("SilentToken"))
    us = meet(listed(contract))
    source = await funded(chain, us)
    await mint(chain, contract, source.address, 10**6)
    submission = sign(await build(us, source, Amount(10**6, DUSD)), source.path)
    await us.network.submit(submission)
    await receipt_of(chain, submission.tx)
    assert (await us.network.status(submission)).succeeded is True


async def test_all_ether_of_an_address_can_leave_to_the_last_wei(chain: Anvil, us: Ours) -> None:
    source, hot = await funded(chain, us, 123_456_789 * GWEI), us.network.derive(Branch.HOUSE, 0).address
    fee = await us.network.estimate_fee(ETH)
    exact = replace(fee, tip=fee.rate)
    cost = await us.network.transfer_cost(ETH, source.address, hot, exact)
    rest = Amount(123_456_789 * GWEI, ETH) - cost
    unsigned = await us.network.build(pay(us, rest, hot), NonceSource(source.address, source.path, 0), exact)
    assert unsigned.fee_max == cost
    submission = sign(unsigned, source.path)
    await us.network.submit(submission)
    await receipt_of(chain, submission.tx)
    assert (await us.network.status(submission)).fee_paid == cost
    assert await balance(chain, source.address) == 0


async def test_the_cost_of_a_sweep_is_known_before_its_address_has_gas(chain: Anvil, us: Ours, dollar: str) -> None:
    source, hot = us.derived(), us.network.derive(Branch.HOUSE, 0).address
    await mint(chain, dollar, source.address, 10**6)
    cost = await us.network.transfer_cost(DUSD, source.address, hot, FEE)
    order = pay(us, Amount(10**6, DUSD), hot)
    with pytest.raises(FundsShort):
        await us.network.build(order, NonceSource(source.address, source.path, 0), FEE)
    await chain.rpc("anvil_setBalance", source.address, hex(cost.units))
    unsigned = await us.network.build(order, NonceSource(source.address, source.path, 0), FEE)
    assert unsigned.fee_max == cost
    submission = sign(unsigned, source.path)
    await us.network.submit(submission)
    await receipt_of(chain, submission.tx)
    assert (await us.network.status(submission)).succeeded


async def test_nothing_to_sweep_is_short_of_funds(us: Ours) -> None:
    with pytest.raises(FundsShort):
        await us.network.transfer_cost(DUSD, us.address(), bob(us), FEE)


async def test_a_fee_is_estimated_before_the_hot_address_holds_anything(us: Ours) -> None:
    ether, token = await us.network.estimate_fee(ETH), await us.network.estimate_fee(DUSD)
    assert 0 < ether.tip <= ether.rate
    assert ether.units == Amount(21_000 * ether.rate, ETH)
    assert ether.units < token.units


async def test_too_little_ether_is_short_of_funds(chain: Anvil, us: Ours) -> None:
    source = await funded(chain, us, 10**15)
    for units in (10**15 + 1, 10**15, 10**15 - 21_000 * FEE.rate + 1):
        with pytest.raises(FundsShort):
            await build(us, source, Amount(units, ETH))
    await build(us, source, Amount(10**15 - 21_000 * FEE.rate, ETH))


async def test_too_few_tokens_are_short_of_funds(chain: Anvil, us: Ours, dollar: str) -> None:
    source = await funded(chain, us)
    await mint(chain, dollar, source.address, 5)
    with pytest.raises(FundsShort, match="DUSD"):
        await build(us, source, Amount(6, DUSD))


async def test_a_payee_that_refuses_ether_is_found_before_signing(chain: Anvil, us: Ours) -> None:
    source, trap = await funded(chain, us), await deploy(chain, hostile("EtherTrap"))
    with pytest.raises(NetworkRejected, match="refuse"):
        await us.network.build(pay(us, Amount(1, ETH), trap), NonceSource(source.address, source.path, 0), FEE)


async def test_only_one_instruction_from_a_nonce_within_the_cap_is_built(chain: Anvil, us: Ours) -> None:
    source = await funded(chain, us)
    place, order = NonceSource(source.address, source.path, 0), pay(us, Amount(1, ETH))
    for instructions, fee in [
        ([], FEE),
        (order * 2, FEE),
        (order, replace(FEE, rate=501 * GWEI)),
        (order, replace(FEE, tip=FEE.rate + 1)),
        (order, replace(FEE, tip=-1)),
        (pay(us, Amount(1, Asset("BTC", 8))), FEE),
    ]:
        with pytest.raises(ValueError, match=r"\w"):
            await us.network.build(instructions, place, fee)


async def test_bytes_that_are_not_the_named_tx_are_not_sent(chain: Anvil, us: Ours) -> None:
    source = await funded(chain, us)
    submission = sign(await build(us, source, Amount(1, ETH)), source.path)
    with pytest.raises(ValueError, match="not the tx"):
        await us.network.submit(replace(submission, tx="0x" + "11" * 32))
    assert await us.network.next_nonce(source.address) == 0


async def signed_by_a_poor_source(chain: Anvil, us: Ours) -> SubmissionRef:
    source = await funded(chain, us)
    submission = sign(await build(us, source, Amount(10**17, ETH)), source.path)
    await chain.rpc("anvil_setBalance", source.address, "0x0")
    return submission


async def test_a_tx_that_the_node_refuses_is_rejected_and_not_dead(chain: Anvil, us: Ours) -> None:
    submission = await signed_by_a_poor_source(chain, us)
    with pytest.raises(NetworkRejected):
        await us.network.submit(submission)
    assert (await us.network.status(submission)).fate is Fate.UNKNOWN


@pytest.mark.parametrize(("code", "message"), [(-32603, "internal error"), (-32000, "already known")])
async def test_an_answer_that_tells_nothing_is_uncertain_and_not_rejected(
    chain: Anvil, deceived: Ours, lying: LyingNode, code: int, message: str
) -> None:
    submission = await signed_by_a_poor_source(chain, deceived)

    def tell(*_: object) -> None:
        raise Refusal(code, message)

    lying.lies["eth_sendRawTransaction"] = tell
    with pytest.raises(NetworkUnreachable):
        await deceived.network.submit(submission)


async def test_an_error_after_arrival_is_no_failure(chain: Anvil, deceived: Ours, lying: LyingNode) -> None:
    """The node took the tx and the answer says otherwise."""
    source = await funded(chain, deceived)
    submission = sign(await build(deceived, source, Amount(1, ETH)), source.path)

    def tell(*_: object) -> None:
        raise Refusal(-32000, "nonce too low")

    lying.lies["eth_sendRawTransaction"] = tell
    await deceived.network.submit(submission)
    await receipt_of(chain, submission.tx)
    assert lying.told["eth_sendRawTransaction"] == 1


async def test_a_provider_that_is_not_there_leaves_the_outcome_open(chain: Anvil, us: Ours, meet: Meet) -> None:
    source = await funded(chain, us)
    submission = sign(await build(us, source, Amount(1, ETH)), source.path)
    nowhere = meet(url="http://127.0.0.1:9")
    for asked in (nowhere.network.submit(submission), nowhere.network.status(submission), nowhere.network.tip()):
        with pytest.raises(NetworkUnreachable):
            await asked


async def test_a_missing_receipt_of_a_known_tx_is_not_death(chain: Anvil, deceived: Ours, lying: LyingNode) -> None:
    """A provider whose index lags behind its chain."""
    source = await funded(chain, deceived)
    submission = sign(await build(deceived, source, Amount(1, ETH)), source.path)
    await deceived.network.submit(submission)
    await receipt_of(chain, submission.tx)
    await chain.mine(4)
    lying.lies["eth_getTransactionReceipt"] = lambda *_: None
    assert (await deceived.network.status(submission)).fate is Fate.PENDING
    assert lying.told["eth_getTransactionReceipt"] == 2


async def test_holdings_are_read_at_the_block_that_is_named(chain: Anvil, us: Ours, dollar: str) -> None:
    first, second = us.address(), us.address()
    await send(chain, first, wei=5)
    await mint(chain, dollar, first, 7)
    await mint(chain, dollar, second, 8)
    at = await us.network.tip()
    await send(chain, second, wei=100)
    observed = await us.network.observe([first, second, first], at)
    assert observed.block == at
    assert dict(observed.units) == {"ETH": 5, "DUSD": 15}
    later = await us.network.observe([first, second], await us.network.tip())
    assert later.units["ETH"] == 105


async def test_many_holdings_are_read_in_batches(chain: Anvil, us: Ours) -> None:
    addresses = [us.address() for _ in range(120)]
    async with asyncio.timeout(20):
        await asyncio.gather(*(chain.rpc("anvil_setBalance", address, "0x3") for address in addresses))
        await chain.mine()
        observed = await us.network.observe(addresses, await us.network.tip())
    assert observed.units["ETH"] == 360


async def test_a_payload_can_be_shown(chain: Anvil, us: Ours, dollar: str) -> None:
    source = await funded(chain, us)
    await mint(chain, dollar, source.address, 5)
    unsigned = await build(us, source, Amount(5, DUSD))
    shown = us.network.show(unsigned.payload)
    assert (shown["asset"], shown["to"], shown["units"], shown["signed"]) == ("DUSD", bob(us), "5", False)
    assert us.network.show(sign(unsigned, source.path).payload) == {**shown, "signed": True}
