"""Work and targets, by blocks that everybody knows and the cases of Bitcoin Core's own tests (pow_tests.cpp)."""

from dataclasses import replace

import pytest

from chains.bitcoin.headers import (
    HeaderUnproven,
    RawHeader,
    bits_of,
    check_height,
    check_target,
    check_work,
    parse_header,
    target_of,
)
from chains.bitcoin.parameters import LITECOIN, MAIN, REGTEST
from tests.unit.chains.bitcoin.test_rawblock import GENESIS, GENESIS_ID

YOUNG_MAIN = replace(MAIN, easiest_bits=0x1D00FFFF)  # as it was in its first years
YOUNG_LITECOIN = replace(LITECOIN, easiest_bits=0x1E0FFFFF)
LITECOIN_GENESIS = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000"
    "00d9ced4ed1130f7b7faad9be25323ffafa33232a17c3edf6cfd97bee6bafbdd97b9aa8e4ef0ff0f1ecd513f7c"
)


def header(*, bits: int = 0x1D00FFFF, time_s: int = 0) -> RawHeader:
    return replace(parse_header(GENESIS[:80]), bits=bits, time_s=time_s)


def test_dpb_09_the_work_behind_the_first_block_is_there_and_behind_a_changed_one_it_is_not() -> None:
    assert parse_header(GENESIS[:80]).id == GENESIS_ID
    check_work(parse_header(GENESIS[:80]), YOUNG_MAIN)
    changed = GENESIS[:79] + bytes([GENESIS[79] ^ 1])
    with pytest.raises(HeaderUnproven, match="not the work"):
        check_work(parse_header(changed), YOUNG_MAIN)


def test_dpb_09_a_header_with_the_work_of_the_first_years_is_refused_today() -> None:
    with pytest.raises(HeaderUnproven, match="less work"):
        check_work(parse_header(GENESIS[:80]), MAIN)


def test_a_chain_with_another_work_hash_is_judged_by_it() -> None:
    genesis = parse_header(LITECOIN_GENESIS)
    assert genesis.id == "12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2"
    check_work(genesis, YOUNG_LITECOIN)
    with pytest.raises(HeaderUnproven, match="not the work"):
        check_work(genesis, replace(YOUNG_LITECOIN, work=MAIN.work))


@pytest.mark.parametrize("bits", [0, 0x01003456, 0x1D80FFFF, 0x2300FFFF, 0xFF123456])
def test_bits_that_name_no_target_are_refused(bits: int) -> None:
    with pytest.raises(HeaderUnproven):
        target_of(bits)


@pytest.mark.parametrize("bits", [0x1D00FFFF, 0x1715A35C, 0x207FFFFF, 0x1E0377AE, 0x05009234, 0x02008000, 0x01120000])
def test_targets_and_bits_are_each_others_inverse(bits: int) -> None:
    assert bits_of(target_of(bits)) == bits


@pytest.mark.parametrize(
    ("height", "first_s", "last_s", "bits", "expected"),
    [
        (32_256, 1_261_130_161, 1_262_152_739, 0x1D00FFFF, 0x1D00D86A),
        (2_016, 1_231_006_505, 1_233_061_996, 0x1D00FFFF, 0x1D00FFFF),
        (68_544, 1_279_008_237, 1_279_297_671, 0x1C05A3F4, 0x1C0168FD),
        (46_368, 1_263_163_443, 1_269_211_443, 0x1C387F6F, 0x1D00E1FD),
    ],
)
def test_dpb_09_a_new_period_has_the_target_that_the_rules_give_it(
    height: int, first_s: int, last_s: int, bits: int, expected: int
) -> None:
    first, last = header(time_s=first_s), header(bits=bits, time_s=last_s)
    check_target(header(bits=expected), height, last, first, MAIN)
    with pytest.raises(HeaderUnproven, match="another target"):
        check_target(header(bits=expected + 1), height, last, first, MAIN)


def test_dpb_09_within_a_period_the_target_stays() -> None:
    parent = header(bits=0x1C0168FD, time_s=1_279_297_671)
    check_target(header(bits=0x1C0168FD), 68_545, parent, parent, MAIN)
    with pytest.raises(HeaderUnproven, match="another target"):
        check_target(header(bits=0x1D00FFFF), 68_545, parent, parent, MAIN)


@pytest.mark.parametrize(
    ("height", "script"),
    [(1, "51"), (16, "60"), (17, "0111"), (127, "017f"), (128, "028000"), (32_767, "02ff7f"), (840_000, "0340d10c")],
)
def test_dpb_09_a_block_says_for_which_height_it_was_made(height: int, script: str) -> None:
    check_height(bytes.fromhex(script) + b"extra", height, REGTEST)
    with pytest.raises(HeaderUnproven, match="another one"):
        check_height(bytes.fromhex(script), height + 1, REGTEST)
    check_height(b"anything", 227_000, MAIN)  # before miners had to write it
