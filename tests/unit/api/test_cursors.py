from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursors import open_cursor, seal_cursor
from api.errors import Problem
from api.settings import ApiSettings

SETTINGS = ApiSettings(cursor_key=b"c" * 32, digest_key=b"d" * 32, version="0", mode="dev")
SEALED = seal_cursor(SETTINGS, "cus_a", "payments", ("pay_1",))


def refused(settings: ApiSettings, viewer: str, place: str, cursor: str) -> bool:
    with pytest.raises(Problem) as problem:
        open_cursor(settings, viewer, place, cursor)
    return problem.value.code == "invalid_cursor"


def test_a_cursor_opens_for_its_viewer_and_list() -> None:
    assert open_cursor(SETTINGS, "cus_a", "payments", SEALED) == ("pay_1",)


def test_another_viewer_list_or_key_cannot_use_it() -> None:
    assert refused(SETTINGS, "cus_b", "payments", SEALED)
    assert refused(SETTINGS, "cus_a", "deposits:cus_a", SEALED)
    assert refused(replace(SETTINGS, cursor_key=b"e" * 32), "cus_a", "payments", SEALED)


@given(st.text(alphabet="ABCxyz019-_", max_size=120))
def test_a_made_up_cursor_is_refused(made_up: str) -> None:
    assert refused(SETTINGS, "cus_a", "payments", made_up)


@given(st.integers(min_value=0, max_value=len(SEALED) - 1), st.sampled_from("AbC_-9"))
def test_a_changed_cursor_is_refused(place: int, character: str) -> None:
    changed = SEALED[:place] + character + SEALED[place + 1 :]
    if changed == SEALED or place == len(SEALED) - 1:  # the last character of base 64 holds bits that count for nothing
        return
    assert refused(SETTINGS, "cus_a", "payments", changed)


def test_length_tells_nothing_of_the_position() -> None:
    assert len(seal_cursor(SETTINGS, "cus_a", "events", (1,))) == len(
        seal_cursor(SETTINGS, "cus_a", "events", (10**15,))
    )


@given(st.tuples(st.integers(min_value=0, max_value=2**63 - 1), st.integers(min_value=0, max_value=32_767)))
def test_every_position_comes_back(position: tuple[int, int]) -> None:
    assert open_cursor(SETTINGS, "cus_a", "entries", seal_cursor(SETTINGS, "cus_a", "entries", position)) == position


def test_keys_that_are_too_short_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 bytes"):
        replace(SETTINGS, digest_key=b"short")
