import pytest

from node.command_line import counted


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 movements"), (1, "1 movement"), (2, "2 movements"), (1_000, "1,000 movements")]
)
def test_one_is_told_as_one(count: int, told: str) -> None:
    assert counted(count, "movement") == told
