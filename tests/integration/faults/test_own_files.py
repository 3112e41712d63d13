"""CRS-03 for the files beside the database: a key that has been used must not be gone, or empty, after a power cut."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from node.compose import kept_secret
from node.database.roles import kept_passwords
from node.witness import WitnessFile
from tests.integration.faults.durable_disk import DurableDisk
from wallet.proofs.witness import SignedHead
from wallet.vault.items import PersonErased
from wallet.vault.keys import PersonKeys

HEADS = [SignedHead(seq, bytes([seq]) * 32, datetime(2026, 11, 25, tzinfo=UTC), None, None, None) for seq in (1, 2)]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DurableDisk:
    (tmp_path / "node").mkdir()
    watched = DurableDisk(tmp_path / "node")
    watched.watch(monkeypatch)
    return watched


@pytest.mark.parametrize(
    "keep",
    [
        lambda folder: kept_secret(folder / "journal.key"),
        lambda folder: kept_passwords(folder / "roles.json", ("coffer_books",)),
        lambda folder: PersonKeys(folder / "vault").get_or_create("cus_alice"),
    ],
    ids=["secret", "passwords", "person"],
)
def test_crs_03_a_secret_that_was_given_out_is_the_same_after_a_power_cut(
    disk: DurableDisk, tmp_path: Path, keep: Callable[[Path], object]
) -> None:
    given = keep(disk.root)
    found = disk.after_power_loss(tmp_path / "after")
    assert keep(found) == given


def test_crs_03_an_erased_person_stays_erased_after_a_power_cut(disk: DurableDisk, tmp_path: Path) -> None:
    keys = PersonKeys(disk.root / "vault")
    keys.get_or_create("cus_alice")
    keys.erase("cus_alice")
    found = PersonKeys(disk.after_power_loss(tmp_path / "after") / "vault")
    with pytest.raises(PersonErased):
        found.get("cus_alice")


def test_crs_03_each_witnessed_head_is_there_after_a_power_cut(disk: DurableDisk, tmp_path: Path) -> None:
    witness = WitnessFile(disk.root / "witness.log")
    for number, head in enumerate(HEADS):
        witness.add(head)
        found = disk.after_power_loss(tmp_path / f"after-{number}")
        assert WitnessFile(found / "witness.log").last() == head
