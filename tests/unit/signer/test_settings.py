from pathlib import Path

import pytest

from chains.signer.settings import SettingsRefused, read_settings

WRITTEN = """
[signer]
folder = "keys"
socket = "run/signer.sock"
passphrase_file = "keys/passphrase"
dev = true

[networks.bitcoin]
kind = "bitcoin"
chain = "regtest"
fee_max = "0.0001"
fee_window_max = "0.001"
window_s = 3600

[networks.bitcoin.assets.BTC]
decimals = 8
submission_max = "1"
window_max = "2"
"""


def written(folder: Path, content: str = WRITTEN, mode: int = 0o600) -> Path:
    file = folder / "signer.toml"
    file.write_text(content)
    file.chmod(mode)
    return file


def test_paths_start_at_the_files_own_folder(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path))
    assert settings.keystore == tmp_path / "keys" / "keystore.json"
    assert settings.socket == tmp_path / "run" / "signer.sock"
    assert settings.passphrase_file == tmp_path / "keys" / "passphrase"
    assert list(settings.policy) == ["bitcoin"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("dev = true", "dev = true\nport = 80", "port"),
        ("dev = true", 'dev = "yes"', "dev"),
        ('kind = "bitcoin"', 'kind = "bitcoine"', "networks.bitcoin"),
        ("[signer]", "[signer", "signer.toml"),
        ("[signer]", "[sign]", "sign"),
        ('passphrase_file = "keys/passphrase"\n', "", "one of them"),
        ("dev = true", "dev = true\npassphrase_descriptor = 3", "one of them"),
        ('passphrase_file = "keys/passphrase"', "passphrase_descriptor = 3", "passphrase_file must be named"),
        ("run/signer.sock", "run/" + "x" * 120, "at most 107 bytes"),
        ('fee_max = "0.0001"', "fee_max = 0.0001", "fee_max"),
        ("window_s = 3600", "window_s = 3600\nwindow_s = 7200", "signer.toml"),
    ],
)
def test_ops_08_a_wrong_configuration_is_refused_with_file_and_place(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    assert old in WRITTEN
    with pytest.raises(SettingsRefused, match=reason) as refusal:
        read_settings(written(tmp_path, WRITTEN.replace(old, new)))
    assert str(tmp_path / "signer.toml") in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_key_06_a_policy_that_others_can_change_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SettingsRefused, match="others could change the policy"):
        read_settings(written(tmp_path, mode=mode))


def test_a_missing_or_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsRefused, match=r"nowhere\.toml: No such file"):
        read_settings(tmp_path / "nowhere.toml")
    file = written(tmp_path)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsRefused, match=r"signer\.toml"):
        read_settings(file)
