"""What people sign at the signer's desk: the exact act, in fields that are shown in words, and the challenge of the moment.

The challenge changes with every act that was done, so no signature is good for a second one; it is the signer's, so none is
good for another signer.
"""

import hashlib
from collections.abc import Mapping

_TAG = b"coffer/signer-act/1"
RESUME, ENROL, ADOPT = "resume", "enrol", "adopt"


def act_digest(kind: str, challenge: str, fields: Mapping[str, str]) -> bytes:
    """32 bytes, over every field with its name, each with its length."""
    texts = [kind, challenge, *(text for name in sorted(fields) for text in (name, fields[name]))]
    parts = (_TAG, *(text.encode() for text in texts))
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


def resume_fields(scope: str, stopped_at: int, stopped_why: str) -> dict[str, str]:
    """The very stop that is lifted: who signed for one does not lift a later one."""
    return {"scope": scope, "stopped_at": str(stopped_at), "stopped_why": stopped_why}


def enrol_fields(digest: str) -> dict[str, str]:
    """Of the whole new list."""
    return {"operators": digest}


def adopt_fields(seq: int, head: str, records: int) -> dict[str, str]:
    """The journal's head and the length of the memory that are vouched for together."""
    return {"journal_seq": str(seq), "journal_head": head, "memory_records": str(records)}
