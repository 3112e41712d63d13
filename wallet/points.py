"""Named crash points: the places where a process must be able to die without losing or making money.

In production `point()` does nothing. A test names one in `COFFER_CRASH_AT` (`NAME` or `NAME:N` for the N-th pass) and the
process kills itself there with SIGKILL, as a power cut would.
"""

import os
import signal
from collections.abc import Callable

POINTS = frozenset(
    {
        "journal.before_write",
        "journal.before_commit",
        "journal.after_commit",
        "deposit.after_detect",
        "deposit.after_credit",
        "scan.before_cursor",
        "reorg.after_record",
        "reorg.after_deposit",
        "reorg.after_submission",
        "take_back.after_freeze",
        "take_back.after_cancel",
        "take_back.after_book",
        "growth.before_pass",
        "withdrawal.after_request",
        "withdrawal.after_check",
        "withdrawal.after_reserve",
        "withdrawal.after_sign",
        "withdrawal.after_prepare",
        "withdrawal.after_store",
        "withdrawal.after_submit",
        "withdrawal.after_record",
        "withdrawal.before_settle",
        "withdrawal.after_settle",
        "replace.after_check",
        "replace.after_reserve",
        "replace.after_sign",
        "replace.after_store",
        "replace.after_submit",
        "statement.before_append",
        "statement.after_append",
    }
)

_armed, _, _count = os.environ.get("COFFER_CRASH_AT", "").partition(":")
_left = int(_count or "1")


_watcher: Callable[[str], None] | None = None


def point(name: str) -> None:
    """Die here if a test asked for it."""
    if name == _armed:
        _pass(name)
    if _watcher is not None:
        _watcher(name)


def watch_points(watcher: Callable[[str], None] | None) -> None:
    """A simulation, which kills no process, is told of every point that is passed, and may raise there."""
    global _watcher  # noqa: PLW0603 (as above: one a process, set by tests only)
    _watcher = watcher


def _pass(name: str) -> None:
    global _left  # noqa: PLW0603 (one counter a process, written by tests only)
    if name not in POINTS:
        raise AssertionError(f"unknown crash point {name}")
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
