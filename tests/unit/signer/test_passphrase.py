import os
from pathlib import Path

import pytest

from chains.signer.files import FileUnsafe
from chains.signer.keys.passphrase import (
    PassphraseRefused,
    create_passphrase_file,
    read_passphrase_descriptor,
    read_passphrase_file,
)


def written(folder: Path, content: bytes, mode: int = 0o600) -> Path:
    file = folder / "passphrase"
    file.write_bytes(content)
    file.chmod(mode)
    return file


@pytest.mark.parametrize("content", [b"twelve bytes", b"twelve bytes\n", b"twelve bytes\r\n", b"twelve bytes\nmore"])
def test_the_first_line_of_a_private_file_is_the_passphrase(tmp_path: Path, content: bytes) -> None:
    assert read_passphrase_file(written(tmp_path, content)) == b"twelve bytes"


@pytest.mark.parametrize("content", [b"", b"\n", b"elevenbytes", b"\ntwelve bytes"])
def test_a_short_passphrase_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(PassphraseRefused, match="12 to 1024 bytes"):
        read_passphrase_file(written(tmp_path, content))


def test_a_passphrase_file_open_to_others_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnsafe, match="0600"):
        read_passphrase_file(written(tmp_path, b"twelve bytes", 0o640))


def test_an_endless_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnsafe, match="larger"):
        read_passphrase_file(written(tmp_path, b"x" * 100_000))


def test_a_descriptor_gives_the_passphrase_once_and_is_closed() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"twelve bytes\n")
    os.close(writing)
    assert read_passphrase_descriptor(reading) == b"twelve bytes"
    with pytest.raises(PassphraseRefused, match="holds no passphrase"):
        read_passphrase_descriptor(reading)


def test_development_makes_a_passphrase_once(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    create_passphrase_file(file)
    first = read_passphrase_file(file)
    create_passphrase_file(file)
    assert read_passphrase_file(file) == first
    assert len(first) == 64
