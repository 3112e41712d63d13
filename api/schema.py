"""Shapes that many endpoints share. What comes in is closed and strict; what goes out shows named fields only."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from wallet.money import AMOUNT_TEXT_MAX, split_amount

LIMIT_DEFAULT, LIMIT_MAX = 50, 200
CLIENT_REFERENCE_MAX = 100
CURSOR_MAX = 400  # a sealed position is far shorter
ULID = "[0-9a-hjkmnp-tv-z]{26}"
REFERENCE = "[A-Za-z0-9._~-]{1,64}"  # characters that no address needs to escape (RFC 3986)
CUSTOMER_PATTERN = rf"^(cus_{ULID}|@?[a-z][a-z0-9_]{{1,29}}|ref:{REFERENCE})$"
_DIGITS = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


class Closed(BaseModel):
    """What a client sends: an unknown field is an error, and nothing is converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Shown(BaseModel):
    """What a client gets. A field that the core adds is not shown before it is named here."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Nothing(Closed):
    """No body, or no query parameters."""


def _composed(text: str) -> str:
    """One spelling for what looks the same (Unicode NFC), so that a retry in another form has the same meaning."""
    return unicodedata.normalize("NFC", text)


def _amount(text: str) -> str:
    """Whatever asset it is of: what can be no amount at all makes the body malformed, before anything of it is looked up."""
    split_amount(text)
    return text


def whole(value: object) -> object:
    """A query parameter's digits; anything else stays text and is refused as such."""
    return int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value


Line = Annotated[str, Field(pattern="^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$"), AfterValidator(_composed)]
"""One line of text without control characters."""

AmountText = Annotated[
    str,
    Field(
        max_length=AMOUNT_TEXT_MAX,
        examples=["12.50"],
        description="A decimal string: ASCII digits with at most one point, and no more decimals than the asset has.",
        json_schema_extra={"pattern": "^(0|[1-9][0-9]*)(\\.[0-9]+)?$"},
    ),
    AfterValidator(_amount),
]
AssetSymbol = Annotated[str, Field(pattern="^[A-Z][A-Z0-9]{1,11}$", examples=["BTC"])]
NetworkName = Annotated[str, Field(pattern="^[a-z][a-z0-9-]{1,30}$", examples=["bitcoin"])]
CustomerName = Annotated[
    str,
    Field(
        pattern=CUSTOMER_PATTERN,
        examples=["@bob"],
        description="A customer's id, or handle with or without its @; a platform's own: `ref:` and its reference.",
    ),
]
ClientReference = Annotated[
    str,
    Field(
        pattern="^[!-~]([ -~]*[!-~])?$",
        max_length=CLIENT_REFERENCE_MAX,
        examples=["invoice-2026-118"],
        description="A name of your own for it, used once for ever, also when the Idempotency-Key is no longer known.",
    ),
]
Limit = Annotated[int, BeforeValidator(whole), Field(ge=1, le=LIMIT_MAX, description="Items on a page.")]
CursorText = Annotated[
    str,
    Field(
        pattern="^[A-Za-z0-9_-]+$",
        max_length=CURSOR_MAX,
        description="`next_cursor` of the page before. It belongs to whoever it was given to.",
    ),
]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-22T04:41:39.000000+00:00"])]


class Paging(Closed):
    limit: Limit = LIMIT_DEFAULT
    cursor: CursorText | None = None
