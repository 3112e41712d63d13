"""Keeps the process's memory to itself: no core dump, no debugger of the same user, nothing through /proc (KEY-07)."""

import ctypes
import os
import resource

_PR_SET_DUMPABLE = 4  # prctl(2)


def keep_private() -> None:
    """From now on the kernel gives this process's memory to nobody but root. Raises `OSError`. Linux only."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        failure = ctypes.get_errno()
        raise OSError(failure, os.strerror(failure))
