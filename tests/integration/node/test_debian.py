from pathlib import Path

import pytest

from node.devnet import debian
from node.devnet.debian import AptSource, ProgramUnavailable, unpack


def use_source(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setattr(debian, "machine_sources", lambda: [AptSource(uri, ("own",), ("main",))])


async def test_a_mirror_that_does_not_answer_is_named_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_source(monkeypatch, "http://127.0.0.1:9/debian")
    with pytest.raises(ProgramUnavailable, match="hello cannot be fetched: ") as refused:
        unpack("hello", suite="sid", say=print, folder=tmp_path)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "hello-sid" / "complete").exists()


async def test_an_archive_that_nobody_signed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = tmp_path / "mirror" / "dists" / "sid"
    (suite / "main" / "binary-amd64").mkdir(parents=True)
    (suite / "main" / "binary-amd64" / "Packages").write_text("Package: hello\nVersion: 1\nArchitecture: all\n\n")
    (suite / "Release").write_text("Suite: sid\nCodename: sid\nComponents: main\nArchitectures: amd64\n")
    use_source(monkeypatch, f"copy:{tmp_path / 'mirror'}")
    with pytest.raises(ProgramUnavailable, match="not signed"):
        unpack("hello", suite="sid", say=print, folder=tmp_path / "tools")


async def test_what_was_unpacked_whole_is_used_without_asking_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_source(monkeypatch, "http://127.0.0.1:9/debian")
    (tmp_path / "hello-sid" / "root").mkdir(parents=True)
    (tmp_path / "hello-sid" / "complete").touch()
    assert unpack("hello", suite="sid", say=print, folder=tmp_path) == tmp_path / "hello-sid" / "root"
