import errno
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from chains.signer.files import FileUnsafe
from chains.signer.memory.memory import Memory, MemoryBusy, MemoryUnfit, Record, Spend, create_memory, is_unused
from wallet import durable

KEY = b"k" * 32


@dataclass(frozen=True, slots=True)
class Place:
    file: Path
    head: Path

    def open(self, memory_id: str = "mem_1", key: bytes = KEY) -> Memory:
        return Memory(self.file, self.head, memory_id=memory_id, key=key)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "memory.log", tmp_path / "memory.head")
    create_memory(made.file, made.head, memory_id="mem_1", key=KEY)
    return made


def record(number: int, *, at: int = 1000, units: int = 5) -> Record:
    return Record(
        at=at,
        submission=f"sub_{number}",
        network="ethereum",
        purpose="withdrawal",
        request=f"digest {number}",
        references=(f"wdr_{number}",),
        consumes=(f"0xhot:{number}",),
        outflows=(Spend("ETH", str(units)),),
        fee=Spend("ETH", "1"),
        tx=f"0x{number}",
        signed=bytes([number]) * 40,
    )


def remember(place: Place, *numbers: int) -> None:
    memory = place.open()
    for number in numbers:
        memory.append(record(number))
    memory.close()


def test_what_was_remembered_is_there_after_a_restart(place: Place) -> None:
    remember(place, 1, 2)
    memory = place.open()
    assert memory.recall("sub_1") == record(1)
    assert memory.recall("sub_2") == record(2)
    assert memory.recall("sub_3") is None
    assert memory.reference_user("wdr_2") == "sub_2"
    assert memory.reference_user("wdr_3") is None
    assert memory.consumer("ethereum", "0xhot:1") == "sub_1"
    assert memory.consumer("base", "0xhot:1") is None
    assert memory.spent("ethereum", "ETH", since=0) == 10
    assert memory.fees("ethereum", since=0) == 2
    memory.append(record(3))
    assert memory.recall("sub_3") == record(3)
    memory.close()


def test_windows_count_what_is_later_than_their_start(place: Place) -> None:
    memory = place.open()
    for number, at in enumerate([100, 200, 200, 300], start=1):
        memory.append(record(number, at=at, units=10**number))
    assert [memory.spent("ethereum", "ETH", since=at) for at in (99, 100, 199, 200, 300)] == [
        11110,
        11100,
        11100,
        10000,
        0,
    ]
    assert memory.spent("ethereum", "DUSD", since=0) == 0
    memory.close()


def test_a_clock_that_goes_back_does_not_reopen_a_window(place: Place) -> None:
    memory = place.open()
    memory.append(record(1, at=5000))
    assert memory.time(4000) == 5000
    assert memory.time(6000) == 6000
    memory.close()
    again = place.open()
    assert again.time(4000) == 5000
    again.close()


def test_two_signers_cannot_hold_one_memory(place: Place) -> None:
    first = place.open()
    with pytest.raises(MemoryBusy, match="another signer"):
        place.open()
    first.close()
    place.open().close()


def test_a_memory_open_to_others_is_refused(place: Place) -> None:
    place.file.chmod(0o644)
    with pytest.raises(FileUnsafe, match="0600"):
        place.open()


def test_a_memory_is_never_created_over_another(place: Place) -> None:
    with pytest.raises(FileExistsError):
        create_memory(place.file, place.head, memory_id="mem_2", key=KEY)


def test_a_memory_knows_whether_it_was_ever_used(place: Place) -> None:
    assert is_unused(place.file)
    remember(place, 1)
    assert not is_unused(place.file)


@pytest.mark.parametrize("missing", ["file", "head"])
def test_a_missing_part_locks(place: Place, missing: str) -> None:
    remember(place, 1)
    Path(getattr(place, missing)).unlink()
    with pytest.raises(MemoryUnfit, match="missing"):
        place.open()


def test_another_seeds_memory_locks(place: Place) -> None:
    with pytest.raises(MemoryUnfit, match="another signer's"):
        place.open(memory_id="mem_2")
    with pytest.raises(MemoryUnfit, match="another signer's"):
        place.open(key=b"x" * 32)


def test_an_older_copy_locks(place: Place, tmp_path: Path) -> None:
    remember(place, 1)
    shutil.copy(place.file, tmp_path / "copy")
    remember(place, 2)
    shutil.copy(tmp_path / "copy", place.file)
    with pytest.raises(MemoryUnfit, match="older"):
        place.open()


def test_an_empty_file_locks(place: Place) -> None:
    place.file.write_bytes(b"")
    with pytest.raises(MemoryUnfit):
        place.open()


def test_a_line_that_was_cut_off_before_it_was_acknowledged_is_dropped(place: Place) -> None:
    remember(place, 1)
    whole, head = place.file.read_bytes(), place.head.read_bytes()
    remember(place, 2)
    longer = place.file.read_bytes()
    for end in range(len(whole) + 1, len(longer)):
        place.file.write_bytes(longer[:end])
        place.head.write_bytes(head)
        memory = place.open()
        assert memory.recall("sub_2") is None
        assert place.file.read_bytes() == whole  # so that what is appended now stands as after any other cut
        memory.close()
    memory = place.open()
    memory.append(record(3))
    memory.close()
    again = place.open()
    assert again.recall("sub_3") == record(3)
    again.close()


def test_a_line_that_was_acknowledged_may_not_lose_a_byte(place: Place) -> None:
    remember(place, 1, 2)
    whole = place.file.read_bytes()
    for end in range(len(whole)):
        place.file.write_bytes(whole[:end])
        with pytest.raises(MemoryUnfit):
            place.open()


def test_a_crash_between_the_line_and_the_head_keeps_the_line(place: Place) -> None:
    remember(place, 1)
    head = place.head.read_bytes()
    remember(place, 2)
    place.head.write_bytes(head)
    memory = place.open()
    assert memory.recall("sub_2") == record(2)
    memory.close()
    place.file.write_bytes(place.file.read_bytes()[: -len(place.file.read_bytes().splitlines(keepends=True)[-1])])
    with pytest.raises(MemoryUnfit, match="older"):
        place.open()


def test_aud_01_no_byte_can_be_changed(place: Place) -> None:
    remember(place, 1, 2)
    whole = place.file.read_bytes()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1
        place.file.write_bytes(bytes(changed))
        with pytest.raises(MemoryUnfit):
            place.open()


@pytest.mark.parametrize("order", [(0, 2, 1), (0, 1), (0, 2), (0, 1, 1, 2), (1, 2), (0,)])
def test_aud_01_no_line_can_be_dropped_repeated_or_moved(place: Place, order: tuple[int, ...]) -> None:
    remember(place, 1, 2)
    lines = place.file.read_bytes().splitlines(keepends=True)
    place.file.write_bytes(b"".join(lines[number] for number in order))
    with pytest.raises(MemoryUnfit):
        place.open()


@pytest.mark.parametrize("head", [b"", b"{}", b'{"records":-1,"mac":""}', b'{"records":2,"mac":"\xc3\xa9"}', b"\xff"])
def test_a_damaged_head_locks(place: Place, head: bytes) -> None:
    remember(place, 1, 2)
    place.head.write_bytes(head)
    with pytest.raises(MemoryUnfit):
        place.open()


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_crs_05_after_a_failed_write_nothing_more_is_remembered_and_a_restart_is_clean(
    place: Place, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = place.open()
    memory.append(record(1))
    fired = 0

    def fail(*_: object) -> int:
        nonlocal fired
        fired += 1
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr(os, call, fail)
        with pytest.raises(MemoryUnfit, match="No space left"):
            memory.append(record(2))
    assert fired == 1
    assert memory.broken is not None
    with pytest.raises(MemoryUnfit):
        memory.append(record(3))
    memory.close()
    again = place.open()
    assert again.broken is None
    assert again.recall("sub_1") == record(1)
    assert again.recall("sub_3") is None
    again.close()


def test_crs_05_a_short_write_is_a_failed_write(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, write = place.open(), os.write
    with monkeypatch.context() as short:
        short.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:70]))
        with pytest.raises(MemoryUnfit, match="only a part"):
            memory.append(record(1))
    memory.close()
    again = place.open()
    assert again.recall("sub_1") is None
    again.append(record(1))
    again.close()


def test_a_signature_is_remembered_before_it_is_known(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order on disk: line, sync of the line, head; `append` returns after all three."""
    memory, steps = place.open(), list[str]()
    write, fsync, replace = os.write, os.fsync, durable.replace

    def spy_write(descriptor: int, line: bytes) -> int:
        steps.append("write")
        return write(descriptor, line)

    def spy_fsync(descriptor: int) -> None:
        steps.append("fsync")
        fsync(descriptor)

    def spy_head(file: Path, content: bytes) -> None:
        steps.append("head")
        monkeypatch.setattr(os, "fsync", fsync)
        replace(file, content)

    monkeypatch.setattr(os, "write", spy_write)
    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr("chains.signer.memory.memory.durable.replace", spy_head)
    memory.append(record(1))
    assert steps == ["write", "fsync", "head"]
    assert memory.recall("sub_1") == record(1)
    memory.close()
