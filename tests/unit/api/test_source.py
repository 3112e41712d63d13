import io
import tarfile
from pathlib import Path

from api.source import archive_of, source_archive


def names_in(archive: bytes) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {name.removeprefix("coffer/") for name in opened.getnames()}


def test_the_archive_holds_the_source_that_runs() -> None:
    names = names_in(source_archive())
    assert {"api/app.py", "wallet/journal/writer.py", "chains/evm/network.py", "node/__init__.py"} <= names
    assert {"pyproject.toml", "LICENSE", "api/web/templates/page.html", "api/web/static/live.js"} <= names


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "wallet").mkdir()
    (tmp_path / "wallet" / "b.py").write_text("b = 1\n")
    (tmp_path / "wallet" / "a.py").write_text("a = 1\n")
    first = archive_of(tmp_path)
    (tmp_path / "wallet" / "a.py").touch()
    assert archive_of(tmp_path) == first


def test_nothing_but_source_gets_into_a_download(tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("secret = 1\n")
    for name in (
        "node/seed.bin",
        "node/.env.py",
        "node/.hidden/x.py",
        "node/master.key",
        "data/wallet.json",
        "coffer.toml",
    ):
        file = tmp_path / "root" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("secret")
    (tmp_path / "root" / "node" / "link.py").symlink_to(outside)
    (tmp_path / "root" / "node" / "kept.py").write_text("kept = 1\n")
    assert names_in(archive_of(tmp_path / "root")) == {"node/kept.py"}
