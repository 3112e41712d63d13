"""Reading a payout file back, strictly: what the signer judges before it signs.

A file is accepted only if it is schema-valid and rendering what was read gives the very same bytes. So there is no field,
attribute or comment in it that went unread, and its count and control sum are those of its payments.
"""

from datetime import UTC, datetime

from lxml import etree

from chains.sepa.document import DocumentRefused, nodes_at, parse_document, text_at
from chains.sepa.figures import exact_units
from chains.sepa.payout import (
    CURRENCY,
    DECIMALS,
    MESSAGE,
    Payment,
    PayoutFile,
    bank_reference,
    render,
    signing_bytes,
    split_signed,
    tx_of,
)

__all__ = ["Payment", "PayoutFile", "bank_reference", "decode", "signing_bytes", "split_signed", "tx_of"]

_PAYMENT_INFORMATION = "CstmrCdtTrfInitn/PmtInf"


def decode(payload: bytes) -> PayoutFile:
    """All that an unsigned payout file says. Raises `ValueError` for anything but a file of our own making."""
    root = parse_document(payload, [MESSAGE])
    try:
        file = _read(root)
    except DocumentRefused:
        raise
    except (ArithmeticError, ValueError) as error:
        raise DocumentRefused("has a value that payout files do not have") from error
    if render(file) != payload:
        raise DocumentRefused("is not written as payout files are")
    return file


def _read(root: etree._Element) -> PayoutFile:
    at = f"{_PAYMENT_INFORMATION}/"
    created = _text(root, "CstmrCdtTrfInitn/GrpHdr/CreDtTm")
    return PayoutFile(
        message_id=bank_reference(_text(root, "CstmrCdtTrfInitn/GrpHdr/MsgId")),
        created_at=datetime.strptime(created, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
        debtor_name=_text(root, f"{at}Dbtr/Nm"),
        debtor_iban=_text(root, f"{at}DbtrAcct/Id/IBAN"),
        debtor_bic=text_at(root, f"{at}DbtrAgt/FinInstnId/BICFI"),
        payments=tuple(_payment(node) for node in nodes_at(root, f"{at}CdtTrfTxInf")),
    )


def _payment(node: etree._Element) -> Payment:
    amounts = nodes_at(node, "Amt/InstdAmt")
    if not amounts or amounts[0].get("Ccy") != CURRENCY:
        raise DocumentRefused(f"has a payment that is not in {CURRENCY}")
    return Payment(
        end_to_end=bank_reference(_text(node, "PmtId/EndToEndId")),
        iban=_text(node, "CdtrAcct/Id/IBAN"),
        name=_text(node, "Cdtr/Nm"),
        units=exact_units(amounts[0].text or "", DECIMALS),
    )


def _text(node: etree._Element, path: str) -> str:
    text = text_at(node, path)
    if text is None:
        raise DocumentRefused(f"has nothing at {path}")
    return text
