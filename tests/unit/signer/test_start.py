import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chains.signer.files import FileUnsafe
from chains.signer.keys.keystore import KeystoreRefused
from chains.signer.keys.passphrase import PassphraseRefused
from chains.signer.local import LocalSigner
from chains.signer.memory.memory import MemoryBusy
from chains.signer.settings import Settings
from chains.signer.start import create_signer, open_signer
from tests.unit.signer.scene import NOW, POLICY, evm_payload, evm_request
from wallet.ports import SignerUnavailable


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sealing a seed is slow on purpose; it is done once for this file."""
    folder = tmp_path_factory.mktemp("template") / "keys"
    open_signer(settings_in(folder)).close()
    return folder


@pytest.fixture
def settings(template: Path, tmp_path: Path) -> Settings:
    return settings_in(Path(shutil.copytree(template, tmp_path / "keys")))


def settings_in(folder: Path) -> Settings:
    return Settings(
        folder=folder,
        socket=folder / "signer.sock",
        passphrase_file=folder / "passphrase",
        passphrase_descriptor=None,
        dev=True,
        policy=POLICY,
    )


@pytest.fixture
def opened(settings: Settings) -> Iterator[LocalSigner]:
    signer = open_signer(settings, lambda: NOW)
    assert isinstance(signer, LocalSigner)
    yield signer
    signer.close()


def test_development_makes_everything_once_and_privately(template: Path) -> None:
    assert sorted(file.name for file in template.iterdir()) == [
        "keystore.json",
        "memory.head",
        "memory.log",
        "operators",
        "operators.json",
        "passphrase",
    ]
    assert all(file.stat().st_mode & 0o077 == 0 for file in [template, *template.iterdir()])


async def test_starting_again_finds_the_same_keys(settings: Settings) -> None:
    first = open_signer(settings)
    keys = await first.public_keys()
    first.close()
    second = open_signer(settings)
    assert await second.public_keys() == keys
    assert not (await second.status()).locked
    second.close()


def test_a_second_signer_cannot_be_opened(opened: LocalSigner, settings: Settings) -> None:
    with pytest.raises(MemoryBusy, match="another signer"):
        open_signer(settings)


@pytest.mark.parametrize("lost", ["memory.log", "memory.head"])
async def test_without_its_memory_it_is_locked_says_why_and_still_tells_its_public_keys(
    settings: Settings, lost: str
) -> None:
    whole = open_signer(settings)
    keys = await whole.public_keys()
    whole.close()
    (settings.folder / lost).unlink()
    locked = open_signer(settings)
    status = await locked.status()
    assert status.locked
    assert f"{lost} is missing" in (status.reason or "")
    assert await locked.public_keys() == keys
    with pytest.raises(SignerUnavailable, match="missing"):
        await locked.sign(evm_request(evm_payload()))
    locked.close()


async def test_crs_13_with_a_restored_old_memory_it_is_locked(settings: Settings, tmp_path: Path) -> None:
    shutil.copy(settings.memory, tmp_path / "backup")
    signer = open_signer(settings)
    await signer.sign(evm_request(evm_payload()))
    signer.close()
    shutil.copy(tmp_path / "backup", settings.memory)
    assert "older than what was acknowledged" in ((await open_signer(settings).status()).reason or "")


async def test_with_another_signers_memory_it_is_locked(settings: Settings, tmp_path: Path) -> None:
    other = settings_in(tmp_path / "other")
    open_signer(other).close()
    shutil.copy(other.memory, settings.memory)
    shutil.copy(other.head, settings.head)
    assert "another signer's" in ((await open_signer(settings).status()).reason or "")


def test_a_second_creation_is_refused(settings: Settings) -> None:
    before = settings.keystore.read_bytes()
    with pytest.raises(KeystoreRefused, match="never replaced"):
        create_signer(settings)
    assert settings.keystore.read_bytes() == before


async def test_an_interrupted_creation_is_done_again_but_a_used_memory_is_never_thrown_away(settings: Settings) -> None:
    settings.keystore.unlink()
    signer = open_signer(settings)
    await signer.sign(evm_request(evm_payload()))
    signer.close()
    settings.keystore.unlink()
    before = settings.memory.read_bytes()
    with pytest.raises(KeystoreRefused, match="remembers signatures of a lost keystore"):
        open_signer(settings)
    assert settings.memory.read_bytes() == before


def test_without_development_nothing_is_made(tmp_path: Path) -> None:
    settings = replace(settings_in(tmp_path / "keys"), dev=False)
    with pytest.raises(PassphraseRefused, match="missing"):
        open_signer(settings)
    (tmp_path / "keys" / "passphrase").touch(mode=0o600)
    (tmp_path / "keys" / "passphrase").write_text("a long enough passphrase")
    with pytest.raises(KeystoreRefused, match="missing"):
        open_signer(settings)
    assert [file.name for file in (tmp_path / "keys").iterdir()] == ["passphrase"]


def test_a_folder_open_to_others_is_refused(settings: Settings) -> None:
    settings.folder.chmod(0o750)
    with pytest.raises(FileUnsafe, match="0700"):
        open_signer(settings)
