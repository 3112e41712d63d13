"""Columns as PostgreSQL's array literals, letter by letter; that PostgreSQL reads them so is tested on one."""

import pytest

from wallet.journal.arrays import columns, number_array, packed, text_array, text_columns


@pytest.mark.parametrize(
    ("values", "literal"),
    [
        ([], "{}"),
        (["a"], '{"a"}'),
        (["a", "b", "c"], '{"a","b","c"}'),
        ([None], "{null}"),
        (["a", None, "b"], '{"a",null,"b"}'),
        (["NULL"], '{"NULL"}'),
        (["", ""], '{"",""}'),
        (['say "no"'], '{"say \\"no\\""}'),
        (["a", '"'], '{"a","\\""}'),
        (["back\\slash"], '{"back\\\\slash"}'),
        (['","'], '{"\\",\\""}'),
        (["a\\", "b"], '{"a\\\\","b"}'),
        (["two\nlines", "\t", "\x07"], '{"two\nlines","\t","\x07"}'),  # JSON's spelling of these means something else
    ],
)
def test_texts_are_quoted_whatever_they_hold(values: list[str | None], literal: str) -> None:
    assert text_array(values) == literal


def test_numbers_stand_bare() -> None:
    assert number_array([]) == "{}"
    assert number_array([-1, 0, 2**63 - 1]) == "{-1,0,9223372036854775807}"


def test_bytes_are_packed_with_their_places_from_one() -> None:
    assert packed([]) == (b"", "{}", "{}")
    assert packed([b"ab", b"", b"cde"]) == (b"abcde", "{1,3,3}", "{2,0,3}")


def test_rows_become_columns_also_where_there_are_none() -> None:
    assert columns([(1, "a"), (2, "b")], 2) == [[1, 2], ["a", "b"]]
    assert columns([], 3) == [[], [], []]
    assert text_columns([("a", None), ("b", '"')], 2) == ['{"a","b"}', '{null,"\\""}']
    assert text_columns([], 2) == ["{}", "{}"]


def test_rows_of_different_width_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        columns([(1, 2), (3,)], 2)
