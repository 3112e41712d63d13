"""The words on the signer's socket: a length in 4 bytes (big endian), then one JSON object.

What this prevents: a peer that takes memory or time without end. Frames are bounded, and so is every wait.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import msgspec

from wallet.addresses.certificate import ENTRIES_MAX, Entry, Vouched
from wallet.ports import (
    BATCH_MAX,
    Approval,
    Ground,
    JournalKnows,
    Signed,
    SignerSeen,
    SignerStatus,
    SignerStop,
    SignRequest,
)

FRAME_BYTES_MAX = 4 * 1024 * 1024  # a payout file of 1,000 payments is about 1 MB, a third more in base64
SOCKET_PATH_MAX = 107  # sockaddr_un of Linux, with its closing zero
_LENGTH_BYTES = 4
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)  # the last: lists nested without end


class FrameMalformed(Exception):
    """The peer does not speak this language, or too long."""


class AskStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag="status"):
    pass


class AskPublicKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag="public_keys"):
    pass


class AskCheck(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag="check"):
    request: SignRequest
    session: str = ""


class AskSign(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag="sign"):
    request: SignRequest
    session: str = ""


class AskSignMany(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag="sign_many"):
    requests: Annotated[tuple[SignRequest, ...], msgspec.Meta(max_length=BATCH_MAX)]
    session: str = ""


class AskProve(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag="prove"):
    knows: JournalKnows


class AskAdopt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag="adopt"):
    approval: Approval


class AskEnrol(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag="enrol"):
    operators: dict[str, str]
    needed: int
    approval: Approval


class AskStop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag="stop"):
    scope: str
    why: str


class AskDesk(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag="desk"):
    """What people need to know before they sign an act."""


class AskResume(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag="resume"):
    scope: str
    why: str
    approval: Approval


class TellUnproven(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="tell", tag="unproven"):
    """Nothing is signed in this session: show the journal first (`AskProve`)."""

    seen: SignerSeen


class TellProven(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="tell", tag="proven"):
    session: str


class TellDesk(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="tell", tag="desk"):
    challenge: str
    needed: int
    operators: dict[str, str]
    stops: tuple[SignerStop, ...]
    version: int = 0
    records: int = 0
    contradiction: str | None = None
    journal: JournalKnows | None = None


class TellGathered(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="tell", tag="gathered"):
    signed: tuple[str, ...]
    needed: int
    done: bool


class TellStatus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="tell", tag="status"):
    status: SignerStatus


class TellPublicKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="tell", tag="public_keys"):
    keys: dict[str, str]


class TellAgreed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="tell", tag="agreed"):
    pass


class TellSigned(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="tell", tag="signed"):
    signed: Signed


class TellRefused(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="tell", tag="refused"):
    reason: str
    ground: Ground
    approvals: int = 0
    reference: str = ""


class TellUnavailable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="tell", tag="unavailable"):
    reason: str


class TellSignedMany(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="tell", tag="signed_many"):
    """An answer for each request, in their order."""

    outcomes: tuple[TellSigned | TellRefused, ...]


class AskCertify(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="ask", tag="certify"):
    entries: Annotated[tuple[Entry, ...], msgspec.Meta(max_length=ENTRIES_MAX)]


class TellVouched(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="tell", tag="vouched"):
    vouched: Vouched


AskAct = AskResume | AskAdopt | AskEnrol
AskPeople = AskStop | AskDesk | AskAct
TellPeople = TellDesk | TellGathered
Ask = AskStatus | AskPublicKeys | AskCheck | AskSign | AskSignMany | AskProve | AskCertify | AskPeople
Tell = (
    TellStatus
    | TellPublicKeys
    | TellAgreed
    | TellSigned
    | TellSignedMany
    | TellRefused
    | TellUnavailable
    | TellUnproven
    | TellProven
    | TellVouched
    | TellPeople
)
_ask_decoder: msgspec.json.Decoder[Ask] = msgspec.json.Decoder(Ask)
_tell_decoder: msgspec.json.Decoder[Tell] = msgspec.json.Decoder(Tell)


def check_socket_path(socket: Path) -> Path:
    """Raises `ValueError` for a path that the kernel would cut off or refuse."""
    if len(str(socket).encode()) > SOCKET_PATH_MAX:
        raise ValueError(f"a socket's path has at most {SOCKET_PATH_MAX} bytes; choose a shorter folder")
    return socket


async def read_ask(reader: asyncio.StreamReader) -> Ask | None:
    """The next question, None at the end. Raises `FrameMalformed`."""
    frame = await _read_frame(reader)
    try:
        return None if frame is None else _ask_decoder.decode(frame)
    except _UNREADABLE:
        raise FrameMalformed("not a question of the signer's") from None


async def read_tell(reader: asyncio.StreamReader) -> Tell:
    """The answer. Raises `FrameMalformed`, also when the peer hangs up instead."""
    frame = await _read_frame(reader)
    if frame is None:
        raise FrameMalformed("the signer hung up")
    try:
        return _tell_decoder.decode(frame)
    except _UNREADABLE:
        raise FrameMalformed("not an answer of the signer's") from None


async def write(writer: asyncio.StreamWriter, message: Ask | Tell) -> None:
    """Send one message whole. Raises `FrameMalformed` for one that the other side would not read."""
    frame = msgspec.json.encode(message)
    if len(frame) > FRAME_BYTES_MAX:
        raise FrameMalformed(f"a message has at most {FRAME_BYTES_MAX} bytes")
    writer.write(len(frame).to_bytes(_LENGTH_BYTES, "big") + frame)
    await writer.drain()


async def _read_frame(reader: asyncio.StreamReader) -> bytes | None:
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
        if not 0 < length <= FRAME_BYTES_MAX:
            raise FrameMalformed(f"a message has 1 to {FRAME_BYTES_MAX} bytes")
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise FrameMalformed("a message was cut off") from None
        return None
