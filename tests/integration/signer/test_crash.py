"""The signer killed at every single step that it makes on the disk while it signs."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chains.signer.memory.memory import Memory
from tests.unit.signer.scene import evm_payload, evm_request, local_signer, open_memory
from wallet.ports import Signed, SignerRefused

REQUEST = evm_request(evm_payload())
OTHER = evm_request(evm_payload(nonce=1), submission="sub_2")
STEPS = ("open", "write", "fsync", "replace", "close")
STEPS_MAX = 50


class Countdown:
    """Counts the calls into the kernel that change the disk, and dies before the one that is due."""

    def __init__(self, due: int) -> None:
        self.passed = 0
        self.due = due

    def before(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: object, **named: object) -> object:
            self.passed += 1
            if self.passed == self.due:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **named)

        return counted


def sign_and_die(folder: Path, due: int, answers: int) -> None:
    """In a child: sign, dying before step `due`; an answer that got out is written to the descriptor."""
    memory, countdown = open_memory(folder), Countdown(due)
    write = os.write
    for step in STEPS:
        setattr(os, step, countdown.before(getattr(os, step)))
    signed = asyncio.new_event_loop().run_until_complete(local_signer(memory).sign(REQUEST))
    write(answers, signed.payload)
    os._exit(0)


def killed_before(folder: Path, due: int) -> tuple[bool, bytes]:
    """Whether the child died, and what it had answered."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        sign_and_die(folder, due, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as source:
        answer = source.read()
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status), answer


async def again(memory: Memory) -> Signed:
    return await local_signer(memory).sign(REQUEST)


async def test_crs_01_killed_before_any_step_the_memory_stays_sound_and_one_withdrawal_has_one_signature(
    tmp_path: Path,
) -> None:
    died = 0
    for due in range(1, STEPS_MAX):
        folder = tmp_path / str(due)
        folder.mkdir()
        open_memory(folder).close()
        killed, answer = killed_before(folder, due)
        died += killed
        memory = open_memory(folder)
        assert bool(answer) is not killed
        if memory.recall("sub_1") is None:
            assert not answer
            await local_signer(memory).check(OTHER)
        else:
            with pytest.raises(SignerRefused, match="wdr_1 was signed"):
                await local_signer(memory).sign(OTHER)
        signed = await again(memory)
        assert answer in {b"", signed.payload}
        memory.close()
        if not killed:
            break
    else:
        pytest.fail("the signer never came to its end")
    assert died >= 5
