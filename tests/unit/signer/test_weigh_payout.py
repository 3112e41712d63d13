from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chains.evm.decode import EvmTx, decode, encode_unsigned
from chains.evm.payout import CREATION, EVERYTHING, Act, Allowance, Creation, Paid, Payout, write_act
from chains.signer.judging.effect import Effect
from chains.signer.judging.policy import EvmPolicy
from chains.signer.judging.weigh_evm import weigh_evm
from chains.signer.memory.memory import Memory
from chains.signer.signing import evm
from tests.unit.signer.scene import (
    DEPOSIT,
    DUSD,
    HOT,
    KEYS,
    OUTSIDE,
    PAYOUT_CONTRACT,
    POLICY,
    UNLISTED,
    evm_address,
    evm_payload,
    evm_request,
    local_signer,
    open_memory,
    payout_payload,
)
from wallet.ports import Ground, Purpose, SignerRefused, SignRequest

FEE = 200_000 * 2 * 10**9
SETUP = Purpose.PAYOUT_SETUP
OTHER = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
PAYMENTS = (Paid(OUTSIDE, 1_000_000), Paid(OTHER, 2_000_000))
TOKENS, ETHER = Payout(DUSD, 60_000, PAYMENTS), Payout(None, 0, PAYMENTS)
REFERENCES = ("wdr_1", "wdr_2")


def weigh(request: SignRequest, contract: str | None = PAYOUT_CONTRACT.lower()) -> Effect:
    policy = POLICY["ethereum"]
    assert isinstance(policy, EvmPolicy)
    return weigh_evm(request, replace(policy, payout_contract=contract), KEYS)


def payout(act: Act = TOKENS, target: str = PAYOUT_CONTRACT, **more: object) -> SignRequest:
    return evm_request(payout_payload(act, target), **{"references": REFERENCES, **more})  # type: ignore[arg-type]


def setup(act: Act, target: str, **more: object) -> SignRequest:
    return payout(act, target, **{"purpose": SETUP, "references": (), **more})


@pytest.mark.parametrize(("act", "asset"), [(TOKENS, "DUSD"), (ETHER, "ETH")])
def test_a_payout_pays_out_each_of_its_payments(act: Payout, asset: str) -> None:
    effect = weigh(payout(act))
    assert [(one.asset, one.units) for one in effect.outflows] == [(asset, 1_000_000), (asset, 2_000_000)]
    assert (effect.fee.asset, effect.fee.units) == ("ETH", FEE)
    assert effect.consumes == (f"{evm_address(HOT)}:0",)


def payees(*targets: str) -> Payout:
    return replace(TOKENS, payments=tuple(Paid(target, 5) for target in targets))


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (payout(target=UNLISTED), "no other"),
        (payout(target=DUSD), "no other"),
        (payout(references=("wdr_1",)), "one payment for each"),
        (payout(references=(*REFERENCES, "wdr_3")), "one payment for each"),
        (payout(references=()), "one payment for each"),
        (payout(paths=(DEPOSIT,)), "hot address"),
        (payout(paths=(HOT, DEPOSIT)), "hot address"),
        (payout(replace(TOKENS, token=UNLISTED)), "listed tokens"),
        (payout(replace(TOKENS, token=PAYOUT_CONTRACT)), "listed tokens"),
        (payout(replace(TOKENS, gas_each=100_001)), "gas of the others"),
        (payout(payees(OUTSIDE, evm_address(HOT))), "our own hot address"),
        (payout(payees(OUTSIDE, DUSD)), "nobody holds the keys"),
        (payout(payees(OUTSIDE, PAYOUT_CONTRACT)), "nobody holds the keys"),
        (payout(payees(OUTSIDE, "0x000000000000000000000000000000000000dEaD")), "nobody holds the keys"),
        (payout(purpose=Purpose.SWEEP, references=(), paths=(DEPOSIT,)), "no single payment"),
        (payout(purpose=Purpose.GAS_FUNDING, references=(), paths=(HOT, DEPOSIT)), "no single payment"),
        (payout(purpose=SETUP, references=()), "not what payouts are set up by"),
        (payout(Creation(), ""), "no single payment"),
        (payout(Allowance(PAYOUT_CONTRACT, EVERYTHING), DUSD), "no single payment"),
    ],
)
def test_key_04_a_payout_that_is_not_all_it_should_be_is_refused(request_: SignRequest, rule: str) -> None:
    with pytest.raises(SignerRefused, match=rule):
        weigh(request_)


def test_without_a_contract_in_the_policy_there_are_no_payouts() -> None:
    with pytest.raises(SignerRefused, match="no other"):
        weigh(payout(), contract=None)


def test_the_contract_itself_is_made_only_while_the_policy_names_none() -> None:
    request = setup(Creation(), "")
    assert weigh(request, contract=None).outflows == ()
    with pytest.raises(SignerRefused, match="already"):
        weigh(request)


@pytest.mark.parametrize("units", [0, EVERYTHING])
def test_the_contract_may_move_all_of_a_listed_token_or_nothing(units: int) -> None:
    effect = weigh(setup(Allowance(PAYOUT_CONTRACT, units), DUSD))
    assert effect.outflows == ()
    assert effect.fee.units == FEE


@pytest.mark.parametrize(
    ("act", "target", "rule"),
    [
        (Allowance(OUTSIDE, EVERYTHING), DUSD, "nobody but the contract"),
        (Allowance(PAYOUT_CONTRACT, 1), DUSD, "all of a token, or nothing"),
        (Allowance(PAYOUT_CONTRACT, EVERYTHING), UNLISTED, "not what payouts are set up by"),
        (Allowance(PAYOUT_CONTRACT, EVERYTHING), PAYOUT_CONTRACT, "not what payouts are set up by"),
    ],
)
def test_key_04_nobody_else_may_move_a_token_of_ours(act: Act, target: str, rule: str) -> None:
    with pytest.raises(SignerRefused, match=rule):
        weigh(setup(act, target))


@pytest.mark.parametrize("wrong", [{"references": ("wdr_1",)}, {"paths": (DEPOSIT,)}, {"paths": ()}])
def test_a_setup_is_the_hot_addresss_and_pays_no_withdrawal(wrong: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(SignerRefused, match="set up from the hot address"):
        weigh(setup(Allowance(PAYOUT_CONTRACT, EVERYTHING), DUSD, **wrong))


def test_an_allowance_is_no_withdrawal_without_a_contract_either() -> None:
    with pytest.raises(SignerRefused, match="nobody but the contract"):
        weigh(setup(Allowance(PAYOUT_CONTRACT, EVERYTHING), DUSD), contract=None)


def test_key_04_code_that_is_not_ours_to_the_last_byte_makes_no_contract() -> None:
    whole = encode_unsigned(_creation(CREATION))
    assert weigh(evm_request(whole, purpose=SETUP, references=()), contract=None)
    for place in range(len(CREATION)):
        changed = bytearray(CREATION)
        changed[place] ^= 1
        payload = encode_unsigned(_creation(bytes(changed)))
        with pytest.raises(SignerRefused, match="no EVM payload"):
            weigh(evm_request(payload, purpose=SETUP, references=()), contract=None)


def _creation(calldata: bytes) -> EvmTx:
    return EvmTx(31337, 0, 10**9, 2 * 10**9, 200_000, "", 0, calldata)


@pytest.mark.parametrize(
    ("act", "target"),
    [(TOKENS, PAYOUT_CONTRACT), (ETHER, PAYOUT_CONTRACT), (Creation(), ""), (Allowance(PAYOUT_CONTRACT, 0), DUSD)],
)
def test_what_is_signed_is_the_payload_to_the_letter(act: Act, target: str) -> None:
    payload = payout_payload(act, target)
    evm.sign(payload, KEYS.reveal_private_key(HOT), KEYS.public_key(HOT))
    assert write_act(act) in payload


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    opened = open_memory(tmp_path)
    yield opened
    opened.close()


def dollars(number: int, first: int, second: int) -> SignRequest:
    """A payout of whole dollars, by a submission and withdrawals of its own."""
    act = replace(TOKENS, payments=(Paid(OUTSIDE, first * 10**6), Paid(OTHER, second * 10**6)))
    names = (f"wdr_{number}a", f"wdr_{number}b")
    return evm_request(payout_payload(act, nonce=number), submission=f"sub_{number}", references=names)


async def test_key_06_a_payouts_sum_counts_against_the_limits(memory: Memory) -> None:
    signer = local_signer(memory)
    with pytest.raises(SignerRefused, match="for one submission") as refusal:
        await signer.sign(dollars(0, 600, 600))
    assert refusal.value.ground is Ground.POLICY
    for number in range(2):
        await signer.sign(dollars(number, 500, 500))
    assert memory.spent("ethereum", "DUSD", since=0) == 2_000 * 10**6
    with pytest.raises(SignerRefused, match="window") as refusal:
        await signer.sign(dollars(2, 300, 201))
    assert refusal.value.ground is Ground.WINDOW
    await signer.sign(dollars(2, 300, 200))


async def test_wdr_03_a_withdrawal_of_a_payout_is_signed_in_no_other_submission(memory: Memory) -> None:
    signer = local_signer(memory)
    await signer.sign(payout())
    for again in (
        evm_request(payout_payload(TOKENS, nonce=1), submission="sub_2", references=("wdr_3", "wdr_2")),
        evm_request(evm_payload(nonce=1), submission="sub_2", references=("wdr_1",)),
    ):
        with pytest.raises(SignerRefused, match="was signed in submission sub_1") as refusal:
            await signer.sign(again)
        assert refusal.value.ground is Ground.CONFLICT


async def test_wdr_04_a_payout_is_replaced_by_itself_at_a_higher_fee_alone(memory: Memory) -> None:
    signer, first = local_signer(memory), payout()
    await signer.sign(first)
    dearer = replace(decode(first.payload), max_fee_per_gas=3 * 10**9)
    other = replace(TOKENS, payments=(PAYMENTS[0], Paid(OUTSIDE, 2_000_000)))
    changed = replace(dearer, calldata=write_act(other), act=other)
    with pytest.raises(SignerRefused):
        await signer.sign(replace(first, payload=encode_unsigned(changed), replacement=1))
    await signer.sign(replace(first, payload=encode_unsigned(dearer), replacement=1))
    assert memory.spent("ethereum", "DUSD", since=0) == 3_000_000
