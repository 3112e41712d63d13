"""The payout file leaves exactly once: it is staged durably, and one rename gives it to the bank.

What this prevents: a payment that is made twice because a crash hid that the file had left. After the rename the bank owns
the file and takes it away; so a mark is written before the rename, and where there is a mark but no staged file, the file
has left and is never written again. Where there is neither, nobody knows, and a person must look.
"""

import os
from enum import StrEnum
from pathlib import Path

from chains.sepa.payout import tx_of
from wallet import durable
from wallet.ports import NetworkRejected, NetworkUnreachable

FILE_MODE = 0o640  # the bank's connector may run as another user of the folder's group


class Place(StrEnum):
    NOWHERE = "nowhere"
    STAGED = "staged"
    OUT = "out"  # released, and the bank has not taken it yet
    TAKEN = "taken"  # released, and gone


class PayoutTray:
    """`.staged/` and `out/` of a bank folder, on one file system. All methods block; run them in a thread. Raises `OSError`."""

    def __init__(self, folder: Path) -> None:
        self._staged = folder / ".staged"
        self._out = folder / "out"
        for part in (self._staged, self._out):
            part.mkdir(mode=0o750, parents=True, exist_ok=True)  # the files name people

    def place(self, message_id: str) -> Place:
        if self._staged_file(message_id).exists():
            return Place.STAGED
        if self._out_file(message_id).exists():
            return Place.OUT
        return Place.TAKEN if self._mark(message_id).exists() else Place.NOWHERE

    def stage(self, message_id: str, xml: bytes) -> None:
        """Repeatable. Raises `NetworkRejected` when the message id is already used for another file."""
        self._refuse_other(message_id, xml)
        if self.place(message_id) is Place.NOWHERE:
            durable.replace(self._staged_file(message_id), xml, FILE_MODE)

    def release(self, message_id: str, xml: bytes) -> None:
        """Give the staged file to the bank; nothing to do where it has left before. Raises `NetworkUnreachable` where no
        trace tells whether it has."""
        self._refuse_other(message_id, xml)
        if self.place(message_id) is Place.NOWHERE:
            raise NetworkUnreachable(f"payout file {message_id} is neither staged nor known to have left")
        if not self._mark(message_id).exists():
            durable.replace(self._mark(message_id), tx_of(xml).encode(), FILE_MODE)
        try:
            os.rename(self._staged_file(message_id), self._out_file(message_id))
        except FileNotFoundError:
            if self._staged_file(message_id).exists():
                raise  # it is the folder that is missing
            return
        durable.sync_folder(self._out)
        durable.sync_folder(self._staged)

    def _refuse_other(self, message_id: str, xml: bytes) -> None:
        digest = tx_of(xml)
        known = {tx_of(raw) for raw in map(_read, (self._staged_file(message_id), self._out_file(message_id))) if raw}
        mark = _read(self._mark(message_id))
        known |= {mark.decode()} if mark is not None else set()
        if known - {digest}:
            raise NetworkRejected(f"message id {message_id} is used by another payout file")

    def _staged_file(self, message_id: str) -> Path:
        return self._staged / f"{message_id}.xml"

    def _out_file(self, message_id: str) -> Path:
        return self._out / f"{message_id}.xml"

    def _mark(self, message_id: str) -> Path:
        return self._staged / f"{message_id}.left"


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
