import pytest

from node.devnet.contracts import Artefact, dev_dollar
from tests.contracts import hostile

NAMES = ["BoastingToken", "RefusingToken", "SilentToken", "TollToken", "MuteToken", "ManyPayments", "EtherTrap"]


@pytest.mark.parametrize("artefact", [dev_dollar(), *map(hostile, NAMES)], ids=lambda artefact: str(artefact.name))
def test_no_artefact_is_older_than_its_source(artefact: Artefact) -> None:
    assert not artefact.stale
    assert len(artefact.bytecode) > 100
