"""What a transfer changes on each of its sides."""

import pytest

from wallet.ledger.transfers import Move, moved_by


@pytest.mark.parametrize(
    ("move", "debit", "credit"),
    [
        (Move.POST, (-7, 0), (7, 0)),
        (Move.HOLD, (0, 7), (0, 0)),
        (Move.SETTLE, (-7, -7), (7, 0)),
        (Move.VOID, (0, -7), (0, 0)),
    ],
)
def test_each_side_of_a_move_changes_by_its_part(move: Move, debit: tuple[int, int], credit: tuple[int, int]) -> None:
    assert moved_by(move, 7, is_credit=False) == debit
    assert moved_by(move, 7, is_credit=True) == credit
