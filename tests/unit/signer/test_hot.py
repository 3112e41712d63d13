"""Which hot key pays stands in the signer's own file; the one before it is done with (KEY-10)."""

from dataclasses import replace
from pathlib import Path

import pytest

from chains.signer.judging.policy import EvmPolicy, Policy, PolicyMalformed, UtxoPolicy, read_policy
from chains.signer.local import LocalSigner
from tests.unit.signer.scene import (
    BITCOIN_HOT,
    HOT,
    KEYS,
    NETWORKS,
    NOW,
    OUTSIDE,
    POLICY,
    bitcoin_address,
    bitcoin_payload,
    bitcoin_request,
    evm_address,
    evm_payload,
    evm_request,
    open_memory,
)
from wallet.ids import NetworkId
from wallet.ports import Derived, Ground, HotAddress, Purpose, SignerRefused, SignRequest

NEXT, BITCOIN_NEXT = "m/44'/60'/2'/0/0", "m/84'/1'/2'/0/0"


def rotated(hot: int = 1, *, retiring: bool = False) -> Policy:
    evm, utxo = POLICY["ethereum"], POLICY["bitcoin"]
    assert isinstance(evm, EvmPolicy)
    assert isinstance(utxo, UtxoPolicy)
    return {
        "ethereum": replace(evm, hot=hot, retiring=retiring),
        "bitcoin": replace(utxo, hot=hot, retiring=retiring),
        "sepa": POLICY["sepa"],
    }


def signer(folder: Path, policy: Policy) -> LocalSigner:
    return LocalSigner(KEYS, policy, open_memory(folder), lambda: NOW)


async def refusal(local: LocalSigner, request: SignRequest) -> SignerRefused:
    with pytest.raises(SignerRefused) as refused:
        await local.check(request)
    return refused.value


def sweep(to: str) -> SignRequest:
    return evm_request(evm_payload(evm_address(to)), purpose=Purpose.SWEEP, references=(), paths=("m/44'/60'/0'/0/7",))


def emptying(path: str, to: str) -> SignRequest:
    return evm_request(evm_payload(evm_address(to)), purpose=Purpose.ROTATION, references=(), paths=(path,))


async def test_key_10_only_the_new_hot_key_pays(tmp_path: Path) -> None:
    local = signer(tmp_path, rotated())
    old, new = evm_request(evm_payload()), evm_request(evm_payload(), paths=(NEXT,))
    await local.check(new)
    assert (await refusal(local, old)).ground is Ground.RETIRED
    assert (await refusal(signer_beside(tmp_path, POLICY), new)).ground is Ground.RETIRED


def signer_beside(folder: Path, policy: Policy) -> LocalSigner:
    (folder / "other").mkdir(mode=0o700)
    return signer(folder / "other", policy)


async def test_key_10_what_was_reserved_from_the_old_key_is_signed_while_it_retires(tmp_path: Path) -> None:
    local = signer(tmp_path, rotated(2, retiring=True))
    await local.check(evm_request(evm_payload(), paths=(NEXT,)))
    await local.check(sweep(NEXT))
    assert (await refusal(local, evm_request(evm_payload()))).ground is Ground.RETIRED


async def test_key_10_sweeps_go_to_the_new_hot_address_only(tmp_path: Path) -> None:
    local = signer(tmp_path, rotated())
    await local.check(sweep(NEXT))
    await refusal(local, sweep(HOT))


async def test_key_10_an_earlier_hot_address_is_emptied_to_the_new_one_only(tmp_path: Path) -> None:
    local = signer(tmp_path, rotated())
    await local.check(emptying(HOT, NEXT))
    for path, to in ((NEXT, NEXT), (HOT, HOT), (HOT, "m/44'/60'/0'/0/7"), ("m/44'/60'/0'/0/7", NEXT)):
        await refusal(local, emptying(path, to))
    outside = evm_request(evm_payload(OUTSIDE), purpose=Purpose.ROTATION, references=(), paths=(HOT,))
    await refusal(local, outside)
    referring = evm_request(evm_payload(evm_address(NEXT)), purpose=Purpose.ROTATION, paths=(HOT,))
    await refusal(local, referring)


async def test_key_10_a_withdrawal_to_any_hot_address_of_ours_is_refused(tmp_path: Path) -> None:
    local = signer(tmp_path, rotated())
    for own in (HOT, NEXT):
        await refusal(local, evm_request(evm_payload(evm_address(own)), paths=(NEXT,)))


async def test_key_10_change_comes_back_to_the_new_hot_address(tmp_path: Path) -> None:
    local = signer(tmp_path, rotated())
    new = Derived(bitcoin_address(BITCOIN_NEXT), BITCOIN_NEXT)
    await local.check(bitcoin_request(bitcoin_payload(change=new)))
    old = Derived(bitcoin_address(BITCOIN_HOT), BITCOIN_HOT)
    assert (await refusal(local, bitcoin_request(bitcoin_payload(change=old)))).ground is Ground.RETIRED


async def test_the_status_tells_which_address_pays(tmp_path: Path) -> None:
    hot = {one.network: one for one in (await signer(tmp_path, rotated(retiring=True)).status()).hot}
    assert hot == {
        "ethereum": HotAddress("ethereum", evm_address(NEXT), NEXT, retiring=True),
        "bitcoin": HotAddress("bitcoin", bitcoin_address(BITCOIN_NEXT), BITCOIN_NEXT, retiring=True),
    }


def test_the_number_of_a_hot_key_is_bounded() -> None:
    written = {**NETWORKS["ethereum"], "hot": 999}
    with pytest.raises(PolicyMalformed):
        read_policy({NetworkId("ethereum"): written})
