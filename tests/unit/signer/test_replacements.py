"""KEY-04 and WDR-04 for replacements: the same payment again at a higher fee, and nothing else under that name."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chains.evm.decode import EvmTx, Transfer, decode, encode_unsigned
from chains.evm.token import transfer_call
from chains.signer.judging.effect import REPLACEMENTS_MAX
from chains.signer.memory.memory import Memory
from tests.unit.signer.scene import (
    DEPOSIT,
    DUSD,
    ETHER,
    HOT,
    NOW,
    OUTSIDE,
    UNLISTED,
    bitcoin_payload,
    bitcoin_request,
    evm_address,
    evm_payload,
    evm_request,
    local_signer,
    open_memory,
    payout_file,
    payout_request,
)
from wallet.ids import NetworkId, SubmissionId
from wallet.ports import Ground, Purpose, SignerRefused, SignRequest

GWEI = 10**9
GAS = 60_000
FIRST = evm_request(evm_payload())
SECOND = replace(FIRST, payload=evm_payload(max_fee=3 * GWEI), replacement=1)
TOKEN = evm_request(evm_payload(units=500, token=DUSD))


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    opened = open_memory(tmp_path)
    yield opened
    opened.close()


def changed(**values: object) -> Callable[[EvmTx], EvmTx]:
    return lambda tx: replace(tx, **values)  # type: ignore[arg-type]


def self_cancel(path: str = HOT, *, nonce: int = 0, max_fee: int = 2 * GWEI, **values: object) -> SignRequest:
    plain = decode(evm_payload(evm_address(HOT), 0, nonce=nonce, gas_limit=21_000, max_fee=max_fee))
    payload = encode_unsigned(replace(plain, **values))  # type: ignore[arg-type]
    request = evm_request(payload, purpose=Purpose.SELF_CANCEL, references=(), paths=(path,))
    return replace(request, replacement=1)


async def test_wdr_04_a_replacement_counts_the_payment_once_and_the_growth_of_its_fee(memory: Memory) -> None:
    signer = local_signer(memory)
    first, second = await signer.sign(FIRST), await signer.sign(SECOND)
    assert first.tx != second.tx
    assert memory.spent("ethereum", "ETH", since=0) == ETHER
    assert memory.fees("ethereum", since=0) == GAS * 3 * GWEI


async def test_wdr_04_each_variant_is_the_same_bytes_for_ever_also_after_a_restart(tmp_path: Path) -> None:
    third = replace(SECOND, payload=evm_payload(max_fee=4 * GWEI), replacement=2)
    requests = (FIRST, SECOND, third)
    memory = open_memory(tmp_path)
    signed = [await local_signer(memory).sign(request) for request in requests]
    size = (tmp_path / "memory.log").stat().st_size
    memory.close()
    again = open_memory(tmp_path)
    assert [await local_signer(again).sign(request) for request in requests] == signed
    assert again.spent("ethereum", "ETH", since=0) == ETHER
    assert again.fees("ethereum", since=0) == GAS * 4 * GWEI
    again.close()
    assert (tmp_path / "memory.log").stat().st_size == size


@pytest.mark.parametrize(
    "change",
    [
        changed(nonce=1),
        changed(gas_limit=GAS + 1),
        changed(gas_limit=GAS - 1),
        changed(value=ETHER + 1),
        changed(value=ETHER - 1),
        changed(target="0x8617E340B3D01FA5F11F306F4090FD50E238070D"),
        changed(target=DUSD, value=0, calldata=transfer_call(OUTSIDE, ETHER), transfer=Transfer(OUTSIDE, ETHER)),
    ],
)
async def test_key_04_a_replacement_that_differs_in_more_than_its_fee_is_refused(
    memory: Memory, change: Callable[[EvmTx], EvmTx]
) -> None:
    signer = local_signer(memory)
    await signer.sign(FIRST)
    other = replace(SECOND, payload=encode_unsigned(change(decode(SECOND.payload))))
    for ask in (signer.check, signer.sign):
        with pytest.raises(SignerRefused):
            await ask(other)
    assert memory.fees("ethereum", since=0) == GAS * 2 * GWEI


async def test_key_04_a_tokens_replacement_pays_the_same_to_the_same(memory: Memory) -> None:
    signer = local_signer(memory)
    await signer.sign(TOKEN)
    for payload in (
        evm_payload(units=501, token=DUSD, max_fee=3 * GWEI),
        evm_payload(evm_address(DEPOSIT), 500, token=DUSD, max_fee=3 * GWEI),
        evm_payload(units=500, token=UNLISTED, max_fee=3 * GWEI),
    ):
        with pytest.raises(SignerRefused):
            await signer.sign(replace(TOKEN, payload=payload, replacement=1))
    await signer.sign(replace(TOKEN, payload=evm_payload(units=500, token=DUSD, max_fee=3 * GWEI), replacement=1))


OTHER_REQUESTS: list[SignRequest] = [
    replace(SECOND, references=("wdr_2",)),
    replace(SECOND, references=()),
    replace(SECOND, purpose=Purpose.SWEEP, references=()),
    replace(SECOND, purpose=Purpose.SELF_CANCEL, references=()),
    replace(SECOND, network=NetworkId("bitcoin")),
    replace(SECOND, submission=SubmissionId("sub_2")),
    replace(SECOND, paths=(DEPOSIT,)),
    replace(SECOND, replacement=-1),
    replace(SECOND, replacement=REPLACEMENTS_MAX + 1),
]


@pytest.mark.parametrize("other", OTHER_REQUESTS)
async def test_key_04_a_replacement_under_another_name_is_refused(memory: Memory, other: SignRequest) -> None:
    signer = local_signer(memory)
    await signer.sign(FIRST)
    with pytest.raises(SignerRefused):
        await signer.sign(other)
    assert len(memory.variants("sub_1")) == 1


@pytest.mark.parametrize("max_fee", [2 * GWEI - 1, 2 * GWEI])
async def test_a_replacement_that_costs_no_more_is_refused(memory: Memory, max_fee: int) -> None:
    signer = local_signer(memory)
    await signer.sign(FIRST)
    with pytest.raises(SignerRefused, match="costs more"):
        await signer.sign(replace(SECOND, payload=evm_payload(max_fee=max_fee)))


async def test_wdr_11_a_replacement_is_held_to_the_cap_of_a_fee_and_to_the_window(memory: Memory) -> None:
    """The cap is 0.01 for one submission and 0.05 for a window: what was spent on the earlier ones is spent."""
    signer = local_signer(memory)
    await signer.sign(FIRST)
    with pytest.raises(SignerRefused, match="above the cap"):
        await signer.sign(replace(SECOND, payload=evm_payload(max_fee=10**16 // GAS + 1)))
    for number in range(1, 5):
        dear = evm_payload(units=5, nonce=number, max_fee=10**16 // GAS)
        await signer.sign(evm_request(dear, submission=f"sub_other{number}", references=(f"wdr_other{number}",)))
    cheap = evm_payload(units=5, nonce=5)
    await signer.sign(evm_request(cheap, submission="sub_cheap", references=("wdr_cheap",)))
    with pytest.raises(SignerRefused, match="fees would pass") as refused:
        await signer.sign(replace(SECOND, payload=evm_payload(max_fee=10**16 // GAS)))
    assert refused.value.ground is Ground.WINDOW
    await local_signer(memory, now=NOW + 3601).sign(replace(SECOND, payload=evm_payload(max_fee=10**16 // GAS)))


async def test_nothing_is_replaced_that_was_never_signed(memory: Memory) -> None:
    with pytest.raises(SignerRefused, match="nothing was signed") as refused:
        await local_signer(memory).sign(SECOND)
    assert refused.value.ground is Ground.CONFLICT


async def test_a_payout_file_is_never_replaced(memory: Memory) -> None:
    signer = local_signer(memory)
    await signer.sign(payout_request(payout_file()))
    with pytest.raises(SignerRefused):
        await signer.sign(replace(payout_request(payout_file()), replacement=1))


async def test_bitcoins_first_bytes_are_signed_as_ever(memory: Memory) -> None:
    await local_signer(memory).sign(bitcoin_request(bitcoin_payload()))


@pytest.mark.parametrize("path", [HOT, DEPOSIT])
async def test_wdr_05_a_self_cancel_uses_up_a_nonce_for_its_fee_and_may_be_replaced(memory: Memory, path: str) -> None:
    signer = local_signer(memory)
    await signer.sign(self_cancel(path))
    await signer.sign(replace(self_cancel(path, max_fee=3 * GWEI), replacement=2))
    assert memory.spent("ethereum", "ETH", since=0) == 0
    assert memory.fees("ethereum", since=0) == 21_000 * 3 * GWEI


async def test_wdr_05_after_a_self_cancel_nothing_is_paid_on_that_nonce_or_under_that_name(memory: Memory) -> None:
    signer = local_signer(memory)
    await signer.sign(self_cancel())
    for late in (
        FIRST,
        replace(FIRST, submission=SubmissionId("sub_2")),
        replace(FIRST, payload=evm_payload(nonce=1)),
        replace(SECOND, replacement=2),
    ):
        with pytest.raises(SignerRefused) as refused:
            await signer.sign(late)
        assert refused.value.ground is Ground.CONFLICT
    assert memory.spent("ethereum", "ETH", since=0) == 0


async def test_wdr_05_what_was_signed_is_not_cancelled(memory: Memory) -> None:
    signer = local_signer(memory)
    await signer.sign(FIRST)
    for request in (self_cancel(max_fee=9 * GWEI), replace(self_cancel(), submission=SubmissionId("sub_2"))):
        with pytest.raises(SignerRefused) as refused:
            await signer.sign(request)
        assert refused.value.ground is Ground.CONFLICT


@pytest.mark.parametrize(
    "request_",
    [
        self_cancel(value=1),
        self_cancel(target=OUTSIDE),
        self_cancel(target=evm_address(DEPOSIT)),
        self_cancel(calldata=transfer_call(OUTSIDE, 5), target=DUSD, transfer=Transfer(OUTSIDE, 5)),
        self_cancel(calldata=transfer_call(evm_address(HOT), 5), transfer=Transfer(evm_address(HOT), 5)),
        self_cancel(chain_id=1),
        replace(self_cancel(), references=("wdr_1",)),
        replace(self_cancel(), paths=(HOT, DEPOSIT)),
        replace(self_cancel(), paths=()),
        replace(self_cancel(), paths=("m/44'/60'/9'/0/0",)),
        self_cancel(gas_limit=10**7),
    ],
)
async def test_key_04_a_self_cancel_that_is_anything_else_is_refused(memory: Memory, request_: SignRequest) -> None:
    with pytest.raises(SignerRefused):
        await local_signer(memory).sign(request_)
