"""The words of a withdrawal are written down for people wherever they are looked for."""

from pathlib import Path

import pytest

from wallet.withdrawals.states import FOLLOWS, REASONS, STATES, WAITS, Reason, State, Wait, reason_of

DOCUMENTS = Path(__file__).parents[3] / "docs"


def test_every_word_has_its_meaning() -> None:
    assert (set(STATES), set(REASONS), set(WAITS)) == (set(State), set(Reason), set(Wait))


def test_the_api_document_lists_every_word_with_its_meaning() -> None:
    told = (DOCUMENTS / "api.md").read_text(encoding="utf-8")
    for code, means in (*STATES.items(), *REASONS.items(), *WAITS.items()):
        assert f"| `{code.value}` | {means} |" in told, code


def test_the_glossary_names_every_word() -> None:
    told = (DOCUMENTS / "glossary.md").read_text(encoding="utf-8")
    for code in (*State, *Reason, *Wait):
        assert f"`{code.value}`" in told, code
    assert set(FOLLOWS) == set(State)


@pytest.mark.parametrize(
    ("stored", "code"),
    [
        (None, None),
        ("reverted", Reason.REVERTED),
        ("cancelled by its owner", Reason.CANCELLED_BY_OWNER),
        ("its nonce or an input was finally used by something else", Reason.REPLACED),
        ("bitcoin took back the deposit dep_1", Reason.DEPOSIT_TAKEN_BACK),
        ("whatever else", Reason.OTHER),
    ],
)
def test_a_reason_of_any_age_is_told_as_a_code(stored: str | None, code: Reason | None) -> None:
    assert reason_of(stored) is code
