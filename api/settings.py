"""What the API needs to be told besides the context."""

from collections.abc import Mapping
from dataclasses import dataclass, field

KEY_BYTES_MIN = 32


@dataclass(frozen=True, slots=True)
class BankDetails:
    """What a payer writes on a transfer to us, besides the reference."""

    iban: str
    bic: str | None
    name: str


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """`cursor_key` seals cursors and page sessions: another one makes those that are out invalid, no more. `digest_key`
    hides personal data in the digests of requests: it must stay the same over restarts and on all instances, or a retry
    that names a person counts as another request. `journal_key` is the public key, in hex, that
    signs receipts. `bank_details` by network id, for networks that are banks.
    """

    cursor_key: bytes = field(repr=False)
    digest_key: bytes = field(repr=False)
    version: str
    mode: str
    source_url: str | None = None
    journal_key: str | None = None
    page: bool = True
    secure_cookies: bool = False
    bank_details: Mapping[str, BankDetails] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(len(self.cursor_key), len(self.digest_key)) < KEY_BYTES_MIN:
            raise ValueError(f"the keys of the API have at least {KEY_BYTES_MIN} bytes")
