"""The filter in front of the address book: it never says no wrongly, seldom yes, and stays small."""

import random
from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wallet.addresses import filter as filter_module
from wallet.addresses.filter import BITS_PER_ADDRESS, PART_LEAST, AddressFilter


def some_addresses(seed: int) -> Iterator[str]:
    chance = random.Random(seed)
    while True:
        yield f"0x{chance.getrandbits(160):040x}"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_module, "PART_LEAST", 16)


@settings(max_examples=40)
@given(
    added=st.lists(st.lists(st.text(max_size=5), max_size=40), max_size=8),
    asked=st.lists(st.text(max_size=5), max_size=20),
)
def test_what_was_added_is_always_found_in_whatever_portions(added: list[list[str]], asked: list[str]) -> None:
    found = AddressFilter(expected=1)
    everything = {address for portion in added for address in portion}
    for portion in added:
        found.add(portion)
    assert everything.issubset(found.likely(everything))
    assert everything.intersection(asked).issubset(found.likely(asked))


@pytest.mark.usefixtures("small_parts")
def test_parts_are_added_and_none_is_forgotten() -> None:
    addresses = list(islice(some_addresses(1), 5_000))
    found = AddressFilter(expected=16)
    for start in range(0, len(addresses), 37):
        found.add(addresses[start : start + 37])
    assert sorted(found.likely(addresses)) == sorted(addresses)
    assert found.likely([addresses[0], addresses[-1]]) == [addresses[0], addresses[-1]]
    assert found.size_bytes <= 3 * len(addresses) * BITS_PER_ADDRESS // 8


def test_few_strangers_are_taken_for_ours() -> None:
    addresses, strangers = list(islice(some_addresses(1), PART_LEAST)), list(islice(some_addresses(2), 100_000))
    found = AddressFilter()
    found.add(addresses)
    assert len(found.likely(strangers)) < 600  # expected are 366: two bits, each set in 6 % of all places
    assert found.size_bytes == PART_LEAST * BITS_PER_ADDRESS // 8


def test_an_empty_one_knows_nobody() -> None:
    assert AddressFilter().likely(islice(some_addresses(1), 100)) == []
