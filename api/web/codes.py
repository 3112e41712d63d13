"""QR codes as inline SVG: what a payer's wallet or banking app reads from the screen."""

import functools

import segno
from markupsafe import Markup

from api.settings import BankDetails

QUIET_MODULES = 2  # white around the code; the page gives it more


def payment_text(kind: str, address: str, bank: BankDetails | None) -> str:
    """A bank transfer with the reference filled in (EPC069-12, version 002), a Bitcoin URI (BIP 21), or the bare address."""
    if bank is not None:
        lines = ("BCD", "002", "1", "SCT", bank.bic or "", bank.name, bank.iban, "", "", address, "")
        return "\n".join(lines)
    return f"bitcoin:{address}" if kind == "bitcoin" else address


@functools.lru_cache(maxsize=512)
def qr_svg(text: str) -> Markup:
    """Medium error correction, as EPC069-12 demands. Dark on white in every colour scheme, or cameras fail."""
    code = segno.make(text, error="m", micro=False, boost_error=False)
    drawn: str = code.svg_inline(omitsize=True, border=QUIET_MODULES, dark="#000", light="#fff")
    return Markup(drawn)  # noqa: S704 (the library's drawing; the text is in it as modules only)
