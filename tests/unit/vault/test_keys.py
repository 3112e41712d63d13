import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from wallet.vault.items import PersonErased
from wallet.vault.keys import PersonKeys, PersonUnknown, VaultKeysUnsafe

ALICE = "cus_alice"


def first_key(folder: str) -> bytes:
    return PersonKeys(Path(folder)).get_or_create(ALICE).secret


def key_files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*.key") if file.name != "master.key"]


def test_a_person_keeps_one_key_across_openings(tmp_path: Path) -> None:
    first = PersonKeys(tmp_path).get_or_create(ALICE)
    assert PersonKeys(tmp_path).get_or_create(ALICE) == first
    assert PersonKeys(tmp_path).get_or_create("cus_bob") != first


def test_processes_that_race_get_the_same_key(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        keys = set(pool.map(first_key, [str(tmp_path)] * 16))
    assert len(keys) == 1
    assert [file.name for file in key_files(tmp_path)] == [f"{ALICE}.key"]


def test_keys_lie_wrapped_and_private(tmp_path: Path) -> None:
    key = PersonKeys(tmp_path / "vault").get_or_create(ALICE)
    files = [file for file in (tmp_path / "vault").rglob("*") if file.is_file()]
    assert all(file.stat().st_mode & 0o077 == 0 for file in [*files, tmp_path / "vault"])
    assert not any(key.secret in file.read_bytes() for file in files)


def test_reading_never_makes_a_key(tmp_path: Path) -> None:
    with pytest.raises(PersonUnknown):
        PersonKeys(tmp_path).get(ALICE)
    assert key_files(tmp_path) == []


def test_pii_03_erasing_destroys_the_key_for_every_process_at_once(tmp_path: Path) -> None:
    keys, other = PersonKeys(tmp_path), PersonKeys(tmp_path)
    keys.get_or_create(ALICE)
    keys.erase(ALICE)
    keys.erase(ALICE)
    assert key_files(tmp_path) == []
    for one in (keys, other, PersonKeys(tmp_path)):
        with pytest.raises(PersonErased):
            one.get(ALICE)
        with pytest.raises(PersonErased):
            one.get_or_create(ALICE)


def test_pii_03_a_restored_backup_does_not_bring_the_erased_back(tmp_path: Path) -> None:
    folder, erased = tmp_path / "vault", tmp_path / "erased"
    keys = PersonKeys(folder, erased=erased)
    keys.get_or_create(ALICE)
    bob = keys.get_or_create("cus_bob")
    shutil.copytree(folder, tmp_path / "backup")
    keys.erase(ALICE)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "backup", folder)
    restored = PersonKeys(folder, erased=erased)
    with pytest.raises(PersonErased):
        restored.get(ALICE)
    assert restored.get("cus_bob") == bob
    assert len(key_files(folder)) == 1


def test_a_line_that_a_crash_cut_off_does_not_swallow_the_next_erasure(tmp_path: Path) -> None:
    keys = PersonKeys(tmp_path)
    keys.get_or_create(ALICE)
    (tmp_path / "erased").write_text("cus_al")
    keys.erase(ALICE)
    assert (tmp_path / "erased").read_text() == f"cus_al\n{ALICE}\n"


@pytest.mark.parametrize("person", ["", "../x", "CUS_1", "cus/1", "cus_é", "c" * 65, "cus_1\n", ".key"])
def test_an_id_that_is_no_file_name_is_refused(tmp_path: Path, person: str) -> None:
    with pytest.raises(ValueError, match="a person's id"):
        PersonKeys(tmp_path).get_or_create(person)


def test_a_master_key_open_to_others_is_refused(tmp_path: Path) -> None:
    PersonKeys(tmp_path)
    (tmp_path / "master.key").chmod(0o640)
    with pytest.raises(VaultKeysUnsafe, match="0600"):
        PersonKeys(tmp_path)


def test_a_lost_master_key_is_not_silently_replaced(tmp_path: Path) -> None:
    PersonKeys(tmp_path).get_or_create(ALICE)
    (tmp_path / "master.key").unlink()
    with pytest.raises(VaultKeysUnsafe, match="restore it"):
        PersonKeys(tmp_path)


def test_key_08_a_key_file_moved_to_another_person_does_not_open(tmp_path: Path) -> None:
    keys = PersonKeys(tmp_path)
    keys.get_or_create(ALICE)
    keys.get_or_create("cus_bob")
    alice, bob = sorted(key_files(tmp_path), key=lambda file: file.name)
    bob.write_bytes(alice.read_bytes())
    with pytest.raises(VaultKeysUnsafe, match="damaged"):
        keys.get("cus_bob")
