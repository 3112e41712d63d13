from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chains.evm.rlp import Item, RlpMalformed, decode, decode_quantity, encode, encode_quantity
from tests.unit.chains.evm.vectors import read

VALID = read("ethereum-tests/RLPTests/rlptest.json")
INVALID = read("ethereum-tests/RLPTests/invalidRLPTest.json")
ITEMS: st.SearchStrategy[Any] = st.recursive(
    st.binary(max_size=70), lambda inner: st.lists(inner, max_size=4), max_leaves=12
)


def written(value: Any) -> Item:
    """The vectors write strings as text, numbers as numbers or, when big, behind a #."""
    if isinstance(value, list):
        return [written(member) for member in value]
    if isinstance(value, str) and not value.startswith("#"):
        return value.encode()
    return encode_quantity(int(value[1:]) if isinstance(value, str) else value)


@pytest.mark.parametrize("case", VALID.values(), ids=VALID)
def test_the_foundations_examples_are_written_and_read(case: dict[str, Any]) -> None:
    encoded = bytes.fromhex(case["out"][2:])
    assert encode(written(case["in"])) == encoded
    assert decode(encoded) == written(case["in"])


@pytest.mark.parametrize("case", INVALID.values(), ids=INVALID)
def test_the_foundations_malformed_examples_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RlpMalformed):
        decode(bytes.fromhex(case["out"].removeprefix("0x")))


@given(ITEMS)
def test_what_was_written_reads_the_same(item: Item) -> None:
    assert decode(encode(item)) == item


@given(st.binary(max_size=80))
def test_what_can_be_read_has_one_form_only(encoded: bytes) -> None:
    try:
        item = decode(encoded)
    except RlpMalformed:
        return
    assert encode(item) == encoded


def test_deep_nesting_is_refused_before_the_stack_ends() -> None:
    nested = b""
    for _ in range(5000):
        size = encode_quantity(len(nested))
        nested = (bytes([0xC0 + len(nested)]) if len(nested) < 56 else bytes([0xF7 + len(size)]) + size) + nested
    with pytest.raises(RlpMalformed, match="nested"):
        decode(nested)


@pytest.mark.parametrize("item", [b"\x00", b"\x00\x01", []])
def test_a_number_has_no_leading_zeros_and_is_no_list(item: Item) -> None:
    with pytest.raises(RlpMalformed):
        decode_quantity(item)
