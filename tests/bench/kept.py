"""Results of measurements, kept with the circumstances of the run: a file for each, replaced by the next run."""

import os
import platform
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psutil

FOLDER = Path(".coffer/bench")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """`load_before` is the machine's load average of one minute: above 0.5 the machine was busy with something else."""

    at: str
    commit: str
    load_before: float
    machine: str
    python: str


@dataclass(frozen=True, slots=True)
class Kept:
    """`words` are the options that the run was given; `took_s` is all of it, filling the books included."""

    name: str
    words: list[str]
    under: Circumstances
    took_s: int
    figures: dict[str, Any] = field(default_factory=dict)


def circumstances() -> Circumstances:
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Circumstances(at, _commit(), round(os.getloadavg()[0], 2), _machine(), platform.python_version())


def _commit() -> str:
    """Of a checkout with changes of its own the commit is not the whole truth: then it ends with a plus."""
    words = ["git", "describe", "--always", "--dirty=+"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def _machine() -> str:
    memory_gb = psutil.virtual_memory().total // 2**30
    return f"{os.cpu_count()} cores ({_processor()}), {memory_gb} GB, Linux {platform.release().partition('-')[0]}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def keep(result: Kept, folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{result.name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")


def kept(folder: Path = FOLDER) -> dict[str, Kept]:
    """The last result of each measurement that has one."""
    files = sorted(folder.glob("*.json"))
    return {result.name: result for result in (msgspec.json.decode(file.read_bytes(), type=Kept) for file in files)}


def forget(name: str, folder: Path = FOLDER) -> None:
    """A run that failed leaves no figures, not even older ones."""
    (folder / f"{name}.json").unlink(missing_ok=True)
