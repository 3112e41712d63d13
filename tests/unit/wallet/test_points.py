"""The named crash points: what is named in the code is in the list, and the list names nothing that the code has not."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from wallet.points import POINTS

ROOT = Path(__file__).parents[3]
_CALL = re.compile(r"\bpoint\(\"([a-z_.]+)\"\)")


def named_in_code() -> set[str]:
    files = [file for top in ("wallet", "chains", "node", "api") for file in (ROOT / top).rglob("*.py")]
    return {name for file in files for name in _CALL.findall(file.read_text(encoding="utf-8"))}


def test_every_named_point_stands_in_the_code_and_every_point_in_the_code_is_named() -> None:
    assert named_in_code() - {"NAME"} == POINTS


def passes(times: int, armed: str) -> int:
    work = f"from wallet.points import point\nfor _ in range({times}): point('scan.before_cursor')"
    done = subprocess.run([sys.executable, "-c", work], env={"COFFER_CRASH_AT": armed}, cwd=ROOT, check=False)
    return done.returncode


@pytest.mark.parametrize(
    ("times", "armed", "status"),
    [
        (1, "scan.before_cursor", -signal.SIGKILL),
        (3, "scan.before_cursor:3", -signal.SIGKILL),
        (2, "scan.before_cursor:3", 0),
        (1, "withdrawal.after_sign", 0),
        (1, "", 0),
    ],
)
def test_a_process_dies_at_the_pass_that_is_named_and_nowhere_else(times: int, armed: str, status: int) -> None:
    assert passes(times, armed) == status
