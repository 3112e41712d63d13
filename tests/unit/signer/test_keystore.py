import json
import os
import shutil
import threading
from pathlib import Path

import pytest

from chains.signer.files import FileUnsafe
from chains.signer.keys.keystore import KeystoreRefused, Unlocked, create_keystore, new_unlocked, open_keystore

PASSPHRASE = b"correct horse battery"
CANARY = Unlocked(bytes.fromhex("c0ffee" * 10 + "c0ff"), "mem_1")


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sealing is slow on purpose, so it is done once."""
    file = tmp_path_factory.mktemp("sealed") / "keystore.json"
    create_keystore(file, CANARY, PASSPHRASE)
    return file


@pytest.fixture
def keystore(sealed: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sealed, tmp_path))


def test_what_was_sealed_opens_with_its_passphrase(keystore: Path) -> None:
    assert open_keystore(keystore, PASSPHRASE) == CANARY


def test_sealing_leaves_nothing_else_behind(sealed: Path) -> None:
    assert [file.name for file in sealed.parent.iterdir()] == ["keystore.json"]


def test_key_07_the_file_is_private_and_shows_nothing(keystore: Path) -> None:
    assert keystore.stat().st_mode & 0o777 == 0o600
    text = keystore.read_text().lower()
    assert "c0ffee" not in text
    assert "correct" not in text
    assert "c0ffee" not in repr(CANARY)
    assert repr(CANARY.entropy) not in repr(CANARY)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_key_07_a_keystore_open_to_others_is_refused(keystore: Path, mode: int) -> None:
    keystore.chmod(mode)
    with pytest.raises(FileUnsafe, match="0600"):
        open_keystore(keystore, PASSPHRASE)


def test_a_keystore_behind_a_symbolic_link_is_refused(keystore: Path) -> None:
    link = keystore.with_name("link.json")
    link.symlink_to(keystore)
    with pytest.raises(OSError, match="symbolic"):
        open_keystore(link, PASSPHRASE)


def test_a_wrong_passphrase_is_refused_without_repeating_it(keystore: Path) -> None:
    with pytest.raises(KeystoreRefused, match="does not open") as refusal:
        open_keystore(keystore, b"incorrect horse battery")
    assert "horse" not in str(refusal.value)


def test_a_keystore_is_never_replaced(keystore: Path) -> None:
    before = keystore.read_bytes()
    with pytest.raises(KeystoreRefused, match="never replaced"):
        create_keystore(keystore, new_unlocked(), PASSPHRASE)
    assert keystore.read_bytes() == before


def test_of_many_that_create_at_once_one_wins(tmp_path: Path) -> None:
    file, barrier, won = tmp_path / "keystore.json", threading.Barrier(3), []

    def create() -> None:
        mine = new_unlocked()
        barrier.wait()
        try:
            create_keystore(file, mine, PASSPHRASE)
        except KeystoreRefused:
            return
        won.append(mine)

    threads = [threading.Thread(target=create) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert open_keystore(file, PASSPHRASE) == won[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("memory_id", "mem_2"),
        ("iterations", 2),
        ("memory_kib", 32 * 1024),
        ("salt", "00" * 16),
        ("nonce", "00" * 12),
        ("nonce", "zz"),
        ("salt", ""),
    ],
)
def test_nothing_in_the_header_can_be_changed(keystore: Path, field: str, value: object) -> None:
    written = json.loads(keystore.read_text())
    written["header"][field] = value
    keystore.write_text(json.dumps(written))
    with pytest.raises(KeystoreRefused, match="does not open"):
        open_keystore(keystore, PASSPHRASE)


@pytest.mark.parametrize(
    ("field", "value"), [("format", "coffer/keystore/3"), ("iterations", 0), ("memory_kib", 2**40), ("lanes", 4)]
)
def test_a_format_or_cost_beyond_this_version_is_refused_before_any_work(
    keystore: Path, field: str, value: object
) -> None:
    written = json.loads(keystore.read_text())
    written["header"][field] = value
    keystore.write_text(json.dumps(written))
    with pytest.raises(KeystoreRefused, match="does not know"):
        open_keystore(keystore, PASSPHRASE)


@pytest.mark.parametrize("content", ["", "{}", "[]", "\xff", '{"header":1,"sealed":""}'])
def test_what_is_no_keystore_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "keystore.json"
    file.touch(mode=0o600)
    file.write_text(content, encoding="latin-1")
    with pytest.raises(KeystoreRefused, match="no keystore"):
        open_keystore(file, PASSPHRASE)


def test_a_missing_keystore_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeystoreRefused, match="missing"):
        open_keystore(tmp_path / "keystore.json", PASSPHRASE)


def test_key_01_seeds_have_256_bits_and_do_not_repeat_even_after_a_fork() -> None:
    seeds = {new_unlocked().entropy for _ in range(20_000)}
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.write(writing, new_unlocked().entropy)
        os._exit(0)
    os.wait()
    seeds |= {os.read(reading, 64), new_unlocked().entropy}
    os.close(reading)
    os.close(writing)
    assert len(seeds) == 20_002
    assert {len(seed) for seed in seeds} == {32}
