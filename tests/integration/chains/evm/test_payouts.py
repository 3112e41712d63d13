"""Many payments in one tx, on a real chain: who is paid, who is not, and what is told of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

import pytest

from chains.evm.address import checksum
from chains.evm.decode import decode
from chains.evm.payout import Payout, created_address, deployed_code
from chains.evm.unmoved import BALANCE_DISAGREES
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
    send,
    sign,
)
from wallet.money import Amount, Asset
from wallet.ports import (
    Derived,
    Destination,
    Fate,
    Fee,
    FundsShort,
    Instruction,
    NonceSource,
    NotTogether,
    Status,
    SubmissionRef,
    Unsigned,
)
from wallet.ports.payout_contracts import PayoutSetup
from wallet.treasury.doubt import by_verdict

FEE = Fee(20 * GWEI, Amount(0, ETH), GWEI)
MOODS = ("fair", "refusing", "denying", "burning", "forgetting", "contradicting", "silent", "chattering", "whispering")
UNITS = 1_000_000
_PAYEES = count(0xB0B0_0000_0000_0000_0000)


@dataclass
class Payer:
    """The adapter, an address of ours that owns a payout contract, and what it has paid so far."""

    chain: Anvil
    us: Ours
    source: Derived
    contract: str
    asset: Asset
    nonce: int

    async def build(self, payees: Sequence[str], units: int = UNITS) -> Unsigned:
        instructions = [
            Instruction(f"wdr_{place}", Destination(payee), Amount(units + place, self.asset))
            for place, payee in enumerate(payees)
        ]
        return await self.us.network.build(instructions, self.next_nonce(), FEE)

    def next_nonce(self) -> NonceSource:
        return NonceSource(self.source.address, self.source.path, self.nonce)

    async def submit(self, unsigned: Unsigned) -> SubmissionRef:
        self.nonce += 1
        payments = decode(unsigned.payload).act
        assert isinstance(payments, Payout)
        names = tuple(f"wdr_{place}" for place, _ in enumerate(payments.payments))
        submission = replace(sign(unsigned, self.source.path), references=names)
        await self.us.network.submit(submission)
        await receipt_of(self.chain, submission.tx)
        return submission

    async def pay(self, payees: Sequence[str]) -> Status:
        return await self.us.network.status(await self.submit(await self.build(payees)))

    async def held(self, address: str) -> int:
        if self.asset == ETH:
            return int(await self.chain.rpc("eth_getBalance", address, "latest"), 16)
        token = next(one.contract for one in self.us.network.listings if one.asset == self.asset)
        call = {"to": token, "data": calldata("balanceOf(address)", address)}
        return int(await self.chain.rpc("eth_call", call, "latest"), 16)


async def payer(chain: Anvil, us: Ours, asset: Asset) -> Payer:
    """An address with ether and tokens, which has made its contract and let it move the token, as the node does."""
    source = us.derived()
    await chain.rpc("anvil_setBalance", source.address, hex(10**19))
    made = Payer(chain, us, source, created_address(source.address, 0), asset, 0)
    setups = [PayoutSetup(), *([PayoutSetup(asset)] if asset != ETH else [])]
    for setup in setups:
        unsigned = await us.network.build_setup(setup, made.contract, made.next_nonce(), FEE)
        submission = sign(unsigned, source.path)
        await us.network.submit(submission)
        await receipt_of(chain, submission.tx)
        assert (await us.network.status(submission)).succeeded
        made.nonce += 1
    us.network.pay_through(made.contract, [asset.symbol])
    return made


@pytest.fixture
async def moody(chain: Anvil) -> str:
    return await deploy(chain, hostile("MoodyToken"))


@pytest.fixture
async def tokens(chain: Anvil, meet: Meet, moody: str) -> Payer:
    made = await payer(chain, meet(listed(moody)), DUSD)
    await mint(chain, moody, made.source.address, 10**12)
    return made


@pytest.fixture
async def ether(chain: Anvil, us: Ours) -> Payer:
    return await payer(chain, us, ETH)


def strangers(number: int) -> list[str]:
    """Addresses that the chain has never seen."""
    return [_address(next(_PAYEES)) for _ in range(number)]


def _address(number: int) -> str:
    return checksum(number.to_bytes(20, "big"))


async def known(chain: Anvil, number: int) -> list[str]:
    """Addresses that hold a little ether."""
    payees = strangers(number)
    for payee in payees:
        await chain.rpc("anvil_setBalance", payee, hex(10**15))
    return payees


async def treat(chain: Anvil, token: str, payee: str, mood: str) -> None:
    await send(chain, token, data=calldata("treat(address,uint8)", payee, MOODS.index(mood)))


async def test_what_stands_at_the_contracts_address_is_what_was_promised(tokens: Payer) -> None:
    code = await tokens.chain.rpc("eth_getCode", tokens.contract, "latest")
    assert code == "0x" + deployed_code(tokens.source.address).hex()


async def test_tokens_go_to_many_in_one_tx_and_nothing_stays_in_the_contract(tokens: Payer) -> None:
    payees = strangers(5)
    status = await tokens.pay(payees)
    assert (status.fate, status.succeeded, status.failed) == (Fate.INCLUDED, True, ())
    assert [await tokens.held(payee) for payee in payees] == [UNITS + place for place in range(5)]
    assert await tokens.held(tokens.contract) == 0


async def test_ether_goes_to_many_in_one_tx_and_nothing_stays_in_the_contract(ether: Payer) -> None:
    payees = await known(ether.chain, 5)
    status = await ether.pay(payees)
    assert (status.fate, status.succeeded, status.failed) == (Fate.INCLUDED, True, ())
    assert [await ether.held(payee) for payee in payees] == [10**15 + UNITS + place for place in range(5)]
    assert await ether.held(ether.contract) == 0


@pytest.mark.parametrize("mood", ["refusing", "denying", "burning", "forgetting"])
async def test_wdr_09_a_payee_whom_the_token_does_not_pay_fails_alone(tokens: Payer, moody: str, mood: str) -> None:
    """It changes its mind after the payout was built: blocked, answers false, never ends, or says yes and does nothing."""
    payees = strangers(5)
    unsigned = await tokens.build(payees)
    await treat(tokens.chain, moody, payees[2], mood)
    before = await tokens.held(tokens.source.address)
    status = await tokens.us.network.status(await tokens.submit(unsigned))
    assert (status.succeeded, status.failed, status.doubt) == (True, ("wdr_2",), None)
    assert [await tokens.held(payee) > 0 for payee in payees] == [True, True, False, True, True]
    assert before - await tokens.held(tokens.source.address) == 4 * UNITS + 0 + 1 + 3 + 4


@pytest.mark.parametrize("mood", ["silent", "chattering", "contradicting"])
async def test_wdr_09_what_the_tokens_log_says_has_moved_is_paid(tokens: Payer, moody: str, mood: str) -> None:
    """It answers nothing, as USDT does, or far too much; or moves and answers false. Money back would be paid twice."""
    payees = strangers(4)
    unsigned = await tokens.build(payees)
    await treat(tokens.chain, moody, payees[1], mood)
    status = await tokens.us.network.status(await tokens.submit(unsigned))
    assert (status.succeeded, status.failed) == (True, ())
    assert await tokens.held(payees[1]) == UNITS + 1


async def test_wdr_09_a_payment_among_others_that_moved_without_a_word_is_a_doubt(tokens: Payer, moody: str) -> None:
    payees = strangers(4)
    unsigned = await tokens.build(payees)
    await treat(tokens.chain, moody, payees[1], "whispering")
    status = await tokens.us.network.status(await tokens.submit(unsigned))
    assert (status.succeeded, status.failed, status.doubt) == (True, ("wdr_1",), BALANCE_DISAGREES)
    assert await tokens.held(payees[1]) == UNITS + 1


@pytest.mark.parametrize(
    ("status", "verdict", "becomes"),
    [
        (Status(Fate.FINAL, failed=("b",), doubt="x"), "paid", Status(Fate.FINAL)),
        (Status(Fate.FINAL, failed=("b",), doubt="x"), "unpaid", Status(Fate.FINAL, failed=("b",))),
        (Status(Fate.FINAL, succeeded=False, doubt="x"), "paid", Status(Fate.FINAL)),
        (Status(Fate.FINAL, succeeded=False, doubt="x"), "unpaid", Status(Fate.FINAL, succeeded=False)),
        (Status(Fate.FINAL, failed=("b",)), "paid", Status(Fate.FINAL, failed=("b",))),
    ],
)
def test_a_persons_word_is_on_what_is_doubted_and_never_on_what_was_surely_paid(
    status: Status, verdict: str, becomes: Status
) -> None:
    assert by_verdict({"verdict": verdict}, status) == becomes


async def test_wdr_10_payees_who_burn_all_their_gas_take_none_of_the_others(tokens: Payer, moody: str) -> None:
    """Every payee but the last burns what it may: the last is paid all the same, and the fee stays below what was set aside."""
    payees = strangers(6)
    unsigned = await tokens.build(payees)
    for payee in payees[:-1]:
        await treat(tokens.chain, moody, payee, "burning")
    submission = await tokens.submit(unsigned)
    status = await tokens.us.network.status(submission)
    assert (status.succeeded, status.failed) == (True, submission.references[:-1])
    assert status.fee_paid is not None
    assert status.fee_paid <= unsigned.fee_max
    act = decode(unsigned.payload).act
    assert isinstance(act, Payout)
    used = int((await receipt_of(tokens.chain, submission.tx))["gasUsed"], 16)
    assert 5 * act.gas_each < used <= decode(unsigned.payload).gas_limit  # they did burn, each no more than its own


async def test_wdr_10_ether_that_a_payees_code_refuses_or_burns_gas_for_comes_back(ether: Payer) -> None:
    """Code appeared at two payees after the payout was built. Neither gets more gas than comes with any value."""
    payees = await known(ether.chain, 5)
    unsigned = await ether.build(payees)
    for payee, name in ((payees[1], "GasBurner"), (payees[3], "EtherTrap")):
        made = await deploy(ether.chain, hostile(name))
        await ether.chain.rpc("anvil_setCode", payee, await ether.chain.rpc("eth_getCode", made, "latest"))
    before = await ether.held(ether.source.address)
    status = await ether.us.network.status(await ether.submit(unsigned))
    assert (status.succeeded, status.failed) == (True, ("wdr_1", "wdr_3"))
    assert status.fee_paid is not None
    paid = before - await ether.held(ether.source.address) - status.fee_paid.units
    assert paid == 3 * UNITS + 0 + 2 + 4
    assert await ether.held(ether.contract) == 0


async def test_dpe_02_ether_that_comes_back_in_a_payout_is_no_deposit(ether: Payer) -> None:
    payees = await known(ether.chain, 3)
    unsigned = await ether.build(payees)
    made = await deploy(ether.chain, hostile("EtherTrap"))
    await ether.chain.rpc("anvil_setCode", payees[1], await ether.chain.rpc("eth_getCode", made, "latest"))
    submission = await ether.submit(unsigned)
    height = int((await receipt_of(ether.chain, submission.tx))["blockNumber"], 16)
    (block,) = await ether.us.blocks(height, height)
    assert block.incoming == ()


async def test_a_payout_that_pays_nobody_at_all_did_not_succeed(tokens: Payer, moody: str) -> None:
    payees = strangers(3)
    unsigned = await tokens.build(payees)
    for payee in payees:
        await treat(tokens.chain, moody, payee, "refusing")
    status = await tokens.us.network.status(await tokens.submit(unsigned))
    assert (status.fate, status.succeeded, status.failed) == (Fate.INCLUDED, False, ())


async def test_nobody_but_its_owner_may_call_the_contract(tokens: Payer) -> None:
    (payee,) = strangers(1)
    unsigned = await tokens.build([payee, *strangers(2)])
    call = {"to": tokens.contract, "data": "0x" + decode(unsigned.payload).calldata.hex()}
    outsider = (await tokens.chain.accounts())[0]
    receipt = await send(tokens.chain, call["to"], data=call["data"], gas=hex(10**6))
    assert receipt["from"] == outsider.lower()
    assert receipt["status"] == "0x0"
    assert await tokens.held(payee) == 0


async def test_who_is_refused_already_is_to_be_paid_alone(tokens: Payer, moody: str) -> None:
    payees = strangers(4)
    await treat(tokens.chain, moody, payees[0], "refusing")
    await treat(tokens.chain, moody, payees[3], "denying")
    with pytest.raises(NotTogether) as refusal:
        await tokens.build(payees)
    assert refusal.value.alone == ("wdr_0", "wdr_3")


async def test_ether_goes_together_only_to_accounts_that_are_there_and_no_contracts(ether: Payer) -> None:
    new, *there = [*strangers(1), *await known(ether.chain, 3)]
    contract = await deploy(ether.chain, hostile("Payer"))
    with pytest.raises(NotTogether) as refusal:
        await ether.build([new, *there, contract])
    assert refusal.value.alone == ("wdr_0", "wdr_4")
    assert await ether.build(there)


async def test_what_is_not_cheaper_together_is_paid_alone(tokens: Payer) -> None:
    with pytest.raises(NotTogether, match="so few") as refusal:
        await tokens.build(strangers(2))
    assert refusal.value.alone == ("wdr_0", "wdr_1")


async def test_nothing_goes_through_a_contract_that_is_not_ours(tokens: Payer) -> None:
    tokens.us.network.pay_through(await deploy(tokens.chain, hostile("ManyPayments")), ["DUSD"])
    with pytest.raises(NotTogether, match="not our contract") as refusal:
        await tokens.build(strangers(3))
    assert refusal.value.alone == ("wdr_0", "wdr_1", "wdr_2")


async def test_without_leave_to_move_the_token_all_are_paid_alone(tokens: Payer) -> None:
    unsigned = await tokens.us.network.build_setup(
        PayoutSetup(DUSD, is_allowed=False), tokens.contract, tokens.next_nonce(), FEE
    )
    submission = sign(unsigned, tokens.source.path)
    await tokens.us.network.submit(submission)
    await receipt_of(tokens.chain, submission.tx)
    tokens.nonce += 1
    with pytest.raises(NotTogether, match="may not move"):
        await tokens.build(strangers(3))


async def test_a_source_that_holds_less_than_all_of_them_waits(tokens: Payer) -> None:
    with pytest.raises(FundsShort):
        await tokens.build(strangers(3), units=10**12)


async def test_people_are_shown_every_payment(tokens: Payer) -> None:
    payees = strangers(3)
    shown = tokens.us.network.show((await tokens.build(payees)).payload)
    assert shown["through"] == tokens.contract
    assert shown["payments"] == [{"to": payee, "units": str(UNITS + place)} for place, payee in enumerate(payees)]
    assert (shown["asset"], shown["units"]) == ("DUSD", str(3 * UNITS + 3))
