"""Programs from Debian's archive, fetched and unpacked into a folder of ours: nothing is installed, no rights are needed.

apt does the work with private lists, cache and status, so its signature checks hold and the system does not change.
The mirror is the one that the machine's own apt sources name.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

APT_WITHIN_S = 300  # one apt command; a slow mirror needs about a minute for the biggest
SETTLED_NAME = "complete"  # the file that says that an unpacked folder is whole

Say = Callable[[str], None]


class ProgramUnavailable(Exception):
    """A program that is not on this machine could not be had either. The message is one line for people."""


@dataclass(frozen=True, slots=True)
class AptSource:
    """One entry of the machine's apt sources. `keyring` is the path or the key that it must be signed by, if it says so."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    keyring: str | None = None


_CHECKOUT = Path(__file__).parents[2]


def tools_folder() -> Path:
    """Where unpacked programs are kept: in the checkout, or the user's cache. `COFFER_TOOLS` names another place."""
    in_checkout = (_CHECKOUT / "pyproject.toml").exists()
    usual = _CHECKOUT / ".coffer/tools" if in_checkout else Path.home() / ".cache/coffer/tools"
    return Path(os.environ.get("COFFER_TOOLS", usual)).resolve()


def unpack(package: str, *, suite: str | None, say: Say, folder: Path | None = None) -> Path:
    """The root folder of an unpacked package, fetched on first use. With a `suite` other than the machine's own, every library
    it needs comes along, the C library too; with None, only what the machine lacks. Raises `ProgramUnavailable`."""
    tools = folder or tools_folder()
    root = tools / f"{package}-{suite or 'own'}"
    tools.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(tools / f"{root.name}.lock"):
        if not (root / SETTLED_NAME).exists():
            _fetch_into(root, package, suite, say)
    return root / "root"


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _fetch_into(root: Path, package: str, suite: str | None, say: Say) -> None:
    started = time.monotonic()
    shutil.rmtree(root, ignore_errors=True)
    for name in ("lists/partial", "cache/archives/partial", "root"):
        (root / name).mkdir(parents=True)
    apt = _private_apt(root, suite)
    say(f"{package}: reading the package list of {suite or 'this Debian'}")
    _run([*apt, "update"], package)
    say(f"{package}: downloading it with the libraries that it needs")
    _run([*apt, "install", "--yes", "--no-install-recommends", "--download-only", package], package)
    archives = sorted((root / "cache/archives").glob("*.deb"))
    say(f"{package}: unpacking {len(archives)} packages, {_megabytes(archives)} MB")
    for archive in archives:
        _run(["dpkg-deb", "--extract", str(archive), str(root / "root")], package)
    for spent in ("lists", "cache"):
        shutil.rmtree(root / spent)
    (root / SETTLED_NAME).write_text("\n".join(archive.name for archive in archives) + "\n")
    say(f"{package}: ready after {time.monotonic() - started:.0f} s")


def _megabytes(archives: Iterable[Path]) -> int:
    return sum(archive.stat().st_size for archive in archives) // 1_000_000


def _private_apt(root: Path, suite: str | None) -> list[str]:
    sources, status = machine_sources(), Path("/var/lib/dpkg/status")
    if suite is not None:  # a whole world of its own: nothing that is installed here counts
        sources, status = [replace(sources[0], suites=(suite,))], root / "status"
        status.touch()
    (root / "private.sources").write_text("\n".join(_deb822(source) for source in sources))
    settings = {
        "Dir::Etc::sourcelist": root / "private.sources",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": root,
        "Dir::State::Lists": root / "lists",
        "Dir::State::status": status,
        "Dir::Cache": root / "cache",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::PDiffs": "false",
        "APT::Update::Error-Mode": "any",
        "Debug::NoLocking": "1",
    }
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    return ["apt-get", "-q", *options]


def _run(command: list[str], package: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603  our own words, no shell
            command, check=False, capture_output=True, text=True, timeout=APT_WITHIN_S, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError as missing:
        raise ProgramUnavailable(f"{package} cannot be fetched: this machine has no {command[0]}") from missing
    except subprocess.TimeoutExpired as slow:
        raise ProgramUnavailable(f"{package} cannot be fetched: no answer in {APT_WITHIN_S} s") from slow
    if done.returncode != 0:
        raise ProgramUnavailable(f"{package} cannot be fetched: {_last_words(done.stderr)}")


def _last_words(text: str) -> str:
    errors = [line.strip() for line in text.splitlines() if line.startswith("E:")]
    return " ".join(errors) or text.strip()[-300:] or "no reason was given"


# ── the machine's own sources ────────────────────────────────────────────────────────────────────────────────────────


def machine_sources(folder: Path = Path("/etc/apt"), release: Path = Path("/etc/os-release")) -> list[AptSource]:
    """The entries for the Debian that runs here, its main archive first, then updates and security; no third parties."""
    codename = _codename(release)
    found = []
    for suite in (codename, f"{codename}-updates", f"{codename}-security"):
        entries = [each for each in _all_sources(folder) if suite in each.suites and "main" in each.components]
        found += [replace(each, suites=(suite,), components=("main",)) for each in entries[:1]]
    if not found or found[0].suites != (codename,):
        raise ProgramUnavailable(f"the apt sources of this machine name no main archive of Debian {codename}")
    return found


def _codename(release: Path) -> str:
    try:
        lines = dict(line.split("=", 1) for line in release.read_text().splitlines() if "=" in line)
    except FileNotFoundError:
        lines = {}
    if lines.get("ID", "").strip('"') != "debian" or "VERSION_CODENAME" not in lines:
        raise ProgramUnavailable("this is not a Debian machine, so nothing can be fetched from its archive")
    return lines["VERSION_CODENAME"].strip('"')


def _all_sources(folder: Path) -> Iterator[AptSource]:
    for path in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        if path.is_file() and path.suffix == ".list":
            yield from parse_one_line(path.read_text())
        elif path.is_file() and path.suffix == ".sources":
            yield from parse_deb822(path.read_text())


def parse_one_line(text: str) -> Iterator[AptSource]:
    """`deb [options] uri suite component…`, as in sources.list(5)."""
    for line in text.splitlines():
        found = re.fullmatch(
            r"deb\s+(?:\[(?P<options>[^]]*)]\s+)?(?P<uri>\S+)\s+(?P<rest>[^#]+?)\s*(?:#.*)?", line.strip()
        )
        if found is not None:
            suite, *components = found["rest"].split()
            yield AptSource(found["uri"], (suite,), tuple(components), _option(found["options"] or "", "signed-by"))


def _option(options: str, name: str) -> str | None:
    pairs = (word.split("=", 1) for word in options.split() if "=" in word)
    return next((value for key, value in pairs if key == name), None)


def parse_deb822(text: str) -> Iterator[AptSource]:
    """Stanzas of `Types: URIs: Suites: Components: Signed-By:`, as in sources.list(5)."""
    for stanza in re.split(r"\n\s*\n", text):
        fields = _stanza_fields(stanza)
        if "deb" in fields.get("types", "").split() and fields.get("enabled", "yes").lower() != "no":
            suites, components = fields.get("suites", "").split(), fields.get("components", "").split()
            for uri in fields.get("uris", "").split():
                yield AptSource(uri, tuple(suites), tuple(components), fields.get("signed-by"))


def _stanza_fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace() and name:
            fields[name] += f"\n{line}"
        elif ":" in line:
            name, value = line.split(":", 1)
            name = name.lower()
            fields[name] = value.strip()
    return fields


def _deb822(source: AptSource) -> str:
    lines = ["Types: deb", f"URIs: {source.uri}", f"Suites: {' '.join(source.suites)}"]
    lines.append(f"Components: {' '.join(source.components)}")
    if source.keyring is not None:
        lines.append(f"Signed-By: {source.keyring}")
    return "\n".join(lines) + "\n"


def have_ready(*finders: Callable[[Say], object]) -> int:
    """Exit status 0 when each has found its program, or unpacked it: nothing is fetched later, while it is needed."""
    try:
        for find in finders:
            find(say_setup)
    except ProgramUnavailable as missing:
        say_setup(str(missing))
        return 1
    return 0


def say_setup(line: str) -> None:
    sys.stdout.write(f"setup: {line}\n")
    sys.stdout.flush()
