"""Who is at the other end: what a contract costs is bounded, what would fail now is refused, and nobody is paid at."""

from itertools import count

import pytest

from chains.evm.address import AddressMalformed, checksum_lower, parse_destination
from chains.evm.build import CODE_TIMES_MAX
from chains.evm.decode import decode
from node.devnet.anvil import Anvil
from node.devnet.contracts import dev_dollar
from tests.contracts import hostile
from tests.contracts.recipients import BURNS_ALL, KEEPS, MINTS, REFUSES, TOKENLIKE
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
from wallet.money import Amount
from wallet.ports import (
    CostTooHigh,
    Derived,
    Destination,
    Fate,
    Fee,
    Instruction,
    NetworkRejected,
    NonceSource,
    RecipientRefuses,
)
from wallet.ports.recipients import Recipient

FEE = Fee(20 * GWEI, Amount(0, ETH), GWEI)
SMALL = Amount(10**12, ETH)
_PLACES = count(0xC0DE_0000_0000_0000_0001)


@pytest.fixture
async def source(chain: Anvil, us: Ours, dollar: str) -> Derived:
    """An address of ours that holds ether and dollars."""
    derived = us.derived()
    await chain.rpc("anvil_setBalance", derived.address, hex(10**18))
    await mint(chain, dollar, derived.address, 1_000_000)
    return derived


async def contract(chain: Anvil, code: str) -> str:
    address = checksum_lower(f"{next(_PLACES):040x}")
    await chain.rpc("anvil_setCode", address, code)
    return address


async def unused() -> str:
    return checksum_lower(f"{next(_PLACES):040x}")


def payment(target: str, amount: Amount = SMALL) -> list[Instruction]:
    return [Instruction("wdr_1", Destination(target), amount)]


async def tried(us: Ours, source: Derived, target: str, amount: Amount = SMALL) -> Recipient:
    return await us.network.try_recipient(amount, source.address, Destination(target))


async def test_wdr_10_a_smart_wallet_is_paid_with_gas_that_was_estimated_and_is_bounded(
    chain: Anvil, us: Ours, source: Derived
) -> None:
    keeping = await deploy(chain, hostile("KeepingWallet"))  # tells an event of what it gets, as smart wallets do
    assert await tried(us, source, keeping) == Recipient(is_contract=True)
    at = NonceSource(source.address, source.path, 0)
    plain = decode((await us.network.build(payment(await unused()), at, FEE)).payload).gas_limit
    unsigned = await us.network.build(payment(keeping), at, FEE)
    assert plain < decode(unsigned.payload).gas_limit <= CODE_TIMES_MAX * plain
    submission = sign(unsigned, source.path)
    await us.network.submit(submission)
    await receipt_of(chain, submission.tx)
    status = await us.network.status(submission)
    assert (status.fate, status.succeeded) == (Fate.INCLUDED, True)


@pytest.mark.parametrize("asset", [ETH, DUSD])
async def test_an_ordinary_address_is_told_from_a_contract(us: Ours, source: Derived, asset: object) -> None:
    amount = SMALL if asset == ETH else Amount(10, DUSD)
    assert await tried(us, source, await unused(), amount) == Recipient(is_contract=False)


@pytest.mark.parametrize(
    ("code", "refusal"), [(MINTS, CostTooHigh), (BURNS_ALL, RecipientRefuses), (REFUSES, RecipientRefuses)]
)
async def test_wdr_10_a_recipient_that_burns_or_refuses_is_never_built_for(
    chain: Anvil, us: Ours, source: Derived, code: str, refusal: type[Exception]
) -> None:
    target = await contract(chain, code)
    estimate = chain.rpc("eth_estimateGas", {"from": source.address, "to": target, "value": hex(1)})
    if code == MINTS:
        assert int(await estimate, 16) > 200_000, "it burns what it is here for"
    else:
        estimate.close()
    with pytest.raises(refusal):
        await tried(us, source, target)
    with pytest.raises(refusal):
        await us.network.build(payment(target), NonceSource(source.address, source.path, 0), FEE)
    dollars = Amount(10, DUSD)
    assert await tried(us, source, target, dollars) == Recipient(is_contract=True), "a token's code asks nobody"


async def test_wdr_10_a_costly_hook_of_a_token_is_bounded_by_what_the_token_costs_elsewhere(
    chain: Anvil, meet: Meet, source: Derived
) -> None:
    token = await deploy(chain, hostile("CallingToken"))
    us, greedy = meet(listed(token)), await contract(chain, MINTS)
    await mint(chain, token, source.address, 1_000_000)
    assert (await tried(us, source, await unused(), Amount(10, DUSD))).is_contract is False
    with pytest.raises(CostTooHigh):
        await tried(us, source, greedy, Amount(10, DUSD))


async def test_wdr_09_a_token_that_would_answer_false_or_revert_now_is_never_built_for(
    chain: Anvil, meet: Meet, source: Derived
) -> None:
    refusing = await deploy(chain, hostile("RefusingToken"))
    guarded = await deploy(chain, hostile("GuardedToken"))
    for token in (refusing, guarded):
        await mint(chain, token, source.address, 1_000_000)
    target = await unused()
    await send(chain, guarded, data=calldata("forbid(address,bool)", target, True))
    for token in (refusing, guarded):
        us = meet(listed(token))
        with pytest.raises(RecipientRefuses):
            await tried(us, source, target, Amount(10, DUSD))
        with pytest.raises(RecipientRefuses):
            await us.network.build(payment(target, Amount(10, DUSD)), NonceSource(source.address, source.path, 0), FEE)


async def test_wdr_13_a_tokens_contract_is_no_destination_listed_or_not(
    chain: Anvil, us: Ours, source: Derived, dollar: str
) -> None:
    other = await deploy(chain, dev_dollar())
    for target in (other, await contract(chain, TOKENLIKE)):
        with pytest.raises(NetworkRejected, match="contract of a token"):
            await tried(us, source, target)
    with pytest.raises(AddressMalformed, match="contract of a token"):
        us.network.check_destination(Destination(dollar))


async def test_what_a_poor_source_cannot_try_is_still_told(chain: Anvil, us: Ours) -> None:
    poor, keeping = us.derived(), await contract(chain, KEEPS)
    assert await tried(us, poor, keeping) == Recipient(is_contract=True)


@pytest.mark.parametrize(
    "address",
    [
        "0x0000000000000000000000000000000000000000",
        "0x0000000000000000000000000000000000000001",
        "0x0000000000000000000000000000000000000100",  # P256VERIFY
        "0x000000000000000000000000000000000000dEaD",
        "0xdEAD000000000000000042069420694206942069",
        "0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE",
        "0x1111111111111111111111111111111111111111",
        "0xFFfFfFffFFfffFFfFFfFFFFFffFFFffffFfFFFfF",
        "0xdeaddeaddeaddeaddeaddeaddeaddeaddeaddead",
    ],
)
def test_wdr_13_where_nobody_can_spend_nothing_is_sent(address: str) -> None:
    with pytest.raises(AddressMalformed, match="nobody"):
        parse_destination(address.lower(), frozenset())


def test_wdr_13_a_mistyped_checksum_is_refused_and_one_case_is_taken() -> None:
    good = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # EIP-55
    assert parse_destination(good.lower(), frozenset()) == parse_destination(good, frozenset()) == good
    assert parse_destination("0x" + good[2:].upper(), frozenset()) == good
    for place, letter in enumerate(good):
        if letter.isalpha() and place > 1:
            with pytest.raises(AddressMalformed, match="checksum"):
                parse_destination(good[:place] + letter.swapcase() + good[place + 1 :], frozenset())
