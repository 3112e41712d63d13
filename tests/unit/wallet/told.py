"""What the Journal makes of a Change that is being written: its body, and the claim of its receipt."""

from datetime import datetime

from wallet.journal.body import encode_body, time_text, wire_write
from wallet.journal.change import Change
from wallet.journal.receipts import claim_of


def body_of(change: Change) -> bytes:
    return encode_body(change, [wire_write(write) for write in change.writes], change.entry).whole


def claim(at: datetime, change: Change) -> bytes:
    told = encode_body(change, [], ())
    return claim_of(time_text(at).encode(), change.kind, told.request, told.result)
