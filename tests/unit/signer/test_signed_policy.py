"""The policy counts only as enrolled operators have signed it, and never an older one again."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chains.signer.local import LocalSigner
from chains.signer.people.operators import OperatorsRefused
from chains.signer.people.signed_policy import PolicyRefused, add_signature, sign_policy
from chains.signer.settings import Settings, read_settings
from chains.signer.start import create_signer, open_signer
from tests.unit.signer.test_stops import ANN, BEN, EVE

NAMES = {name: key.public_key().public_bytes_raw().hex() for name, key in (("ann", ANN), ("ben", BEN), ("eve", EVE))}
FILE = """
[signer]
folder = "keys"
socket = "run/signer.sock"
passphrase_file = "keys/passphrase"

[signer.operators]
{operators}

[policy]
version = {version}

[networks.bitcoin]
kind = "bitcoin"
chain = "regtest"
fee_max = "0.0001"
fee_window_max = "0.001"
window_s = 3600

[networks.bitcoin.assets.BTC]
decimals = 8
submission_max = "{most}"
window_max = "2"
"""


def write(folder: Path, *, version: int = 1, most: str = "1", names: tuple[str, ...] = ("ann", "ben")) -> Path:
    file = folder / "signer.toml"
    file.touch(mode=0o600)
    operators = "\n".join(f'{name} = "{NAMES[name]}"' for name in names)
    file.write_text(FILE.format(version=version, most=most, operators=operators))
    return file


def sign(file: Path, *keys: Ed25519PrivateKey) -> Settings:
    settings = read_settings(file)
    for key in keys:
        add_signature(file, settings.policy_digest, sign_policy(settings.policy_digest, key))
    return settings


def start(file: Path) -> None:
    signer = open_signer(read_settings(file))
    assert isinstance(signer, LocalSigner)
    signer.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seed is sealed once for this file."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "keys").mkdir(mode=0o700)
    (folder / "keys" / "passphrase").touch(mode=0o600)
    (folder / "keys" / "passphrase").write_text("a long enough passphrase")
    create_signer(read_settings(write(folder)))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "signer"))


def test_key_06_a_policy_that_two_operators_signed_is_taken(folder: Path) -> None:
    sign(write(folder), ANN, BEN)
    start(folder / "signer.toml")
    start(folder / "signer.toml")


@pytest.mark.parametrize("keys", [(), (ANN,), (ANN, ANN), (ANN, EVE), (EVE,)])
def test_key_06_fewer_or_others_are_not_enough(folder: Path, keys: tuple[Ed25519PrivateKey, ...]) -> None:
    sign(write(folder), *keys)
    with pytest.raises(PolicyRefused, match=r"takes 2: coffer signer policy sign"):
        start(folder / "signer.toml")


def test_key_06_one_figure_changed_after_signing_is_refused(folder: Path) -> None:
    sign(write(folder), ANN, BEN)
    write(folder, most="1.00000001")
    with pytest.raises(PolicyRefused, match="changed after it was signed"):
        start(folder / "signer.toml")


def test_comments_and_spacing_are_free(folder: Path) -> None:
    file = write(folder)
    sign(file, ANN, BEN)
    file.write_text("# looked at by Ann\n" + file.read_text().replace(" = ", "="))
    start(file)


def test_key_06_an_older_policy_and_another_of_the_same_version_never_come_back(folder: Path) -> None:
    sign(write(folder, version=1, most="2"), ANN, BEN)
    start(folder / "signer.toml")
    old = shutil.copytree(folder, folder.with_name("old"))
    sign(write(folder, version=2, most="1"), ANN, BEN)
    start(folder / "signer.toml")
    for name in ("signer.toml", "signer.toml.signatures"):
        shutil.copy(old / name, folder / name)
    with pytest.raises(PolicyRefused, match="version 1 is older than 2"):
        start(folder / "signer.toml")
    sign(write(folder, version=2, most="2"), ANN, BEN)
    with pytest.raises(PolicyRefused, match="another policy than version 2"):
        start(folder / "signer.toml")


def test_key_06_a_signer_made_for_money_never_signs_for_itself(folder: Path) -> None:
    sign(write(folder), ANN, BEN)
    start(folder / "signer.toml")
    with pytest.raises(OperatorsRefused, match="another `dev`"):
        open_signer(replace(read_settings(folder / "signer.toml"), dev=True))


def test_whom_the_file_names_later_counts_for_nothing(folder: Path) -> None:
    sign(write(folder), ANN, BEN)
    start(folder / "signer.toml")
    sign(write(folder, version=2, names=("eve", "ben")), EVE, BEN)
    with pytest.raises(PolicyRefused, match="signed by ben of the enrolled"):
        start(folder / "signer.toml")


def test_a_changed_removed_or_foreign_list_of_operators_is_refused(folder: Path) -> None:
    sign(write(folder), ANN, BEN)
    start(folder / "signer.toml")
    sealed = folder / "keys" / "operators.json"
    before = sealed.read_text()
    sealed.write_text(before.replace(NAMES["ann"], NAMES["eve"]))
    with pytest.raises(OperatorsRefused, match="was changed"):
        start(folder / "signer.toml")
    sealed.unlink()
    with pytest.raises(OperatorsRefused, match="that the memory knows"):
        start(folder / "signer.toml")


@pytest.mark.parametrize("names", [(), ("ann",)])
def test_fewer_than_two_operators_are_never_enrolled(folder: Path, names: tuple[str, ...]) -> None:
    sign(write(folder, names=names), ANN, BEN)
    with pytest.raises(OperatorsRefused, match="at least 2 operators"):
        start(folder / "signer.toml")


def test_signatures_that_are_none_are_refused_in_a_line(folder: Path) -> None:
    write(folder)
    (folder / "signer.toml.signatures").write_text("{")
    with pytest.raises(PolicyRefused, match="holds no signatures"):
        start(folder / "signer.toml")
