"""The payout file: ISO 20022 pain.001.001.09 as the SEPA credit transfer scheme uses it, and the signature over it.

One renderer serves the builder and the signer's decoder: a file is what it says only if rendering what it says gives the
same bytes again. So nothing can stand in a file that was not read.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from wallet.money import format_units

MESSAGE = "pain.001.001.09"
CURRENCY = "EUR"
DECIMALS = 2
PAYMENT_UNITS_MAX = 99_999_999_999  # 999,999,999.99 EUR, the scheme's limit for one transfer
REFERENCE_MAX = 35  # ISO 20022 Max35Text
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*", re.ASCII)  # a lawful file name as well
SIGNATURE_BYTES = 64
_SIGNED = b"coffer/payout-file/1"


@dataclass(frozen=True, slots=True)
class Payment:
    """`end_to_end` is our reference with - for _, which the scheme does not carry. `units` are cents."""

    end_to_end: str
    iban: str
    name: str
    units: int


@dataclass(frozen=True, slots=True)
class PayoutFile:
    """`created_at` is aware, in UTC and whole seconds; its day is the day on which the bank shall pay. `bic` is None where
    the bank is found by the IBAN alone."""

    message_id: str
    created_at: datetime
    debtor_name: str
    debtor_iban: str
    debtor_bic: str | None
    payments: tuple[Payment, ...]

    @property
    def currency(self) -> str:
        return CURRENCY

    @property
    def control_units(self) -> int:
        return sum(payment.units for payment in self.payments)


def bank_reference(reference: str) -> str:
    """An identifier of ours as a bank carries it: the scheme's character set has no underscore. Raises `ValueError` for
    what no identifier of ours can be."""
    carried = reference.replace("_", "-")
    if len(carried) > REFERENCE_MAX or not _REFERENCE.fullmatch(carried):
        raise ValueError(f"a reference at a bank has 1 to {REFERENCE_MAX} letters, digits and -")
    return carried


def signing_bytes(xml: bytes) -> bytes:
    """What the payout key signs: a domain tag, so that no other signature fits, and the SHA-256 of the file."""
    return _SIGNED + hashlib.sha256(xml).digest()


def tx_of(xml: bytes) -> str:
    """The file's name among submissions: its SHA-256 in lower-case hex."""
    return hashlib.sha256(xml).hexdigest()


def split_signed(payload: bytes) -> tuple[bytes, bytes]:
    """Signature and file. Raises `ValueError` when the payload is too short to be both."""
    if len(payload) <= SIGNATURE_BYTES:
        raise ValueError("a signed payout file is 64 bytes of signature and then the file")
    return payload[:SIGNATURE_BYTES], payload[SIGNATURE_BYTES:]


def render(file: PayoutFile) -> bytes:
    """Equal facts give equal bytes, with any version of any XML library, for no library is used."""
    count, total = len(file.payments), format_units(file.control_units, DECIMALS)
    created = file.created_at.astimezone(UTC)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{MESSAGE}">
  <CstmrCdtTrfInitn>
    <GrpHdr>
      <MsgId>{escape(file.message_id)}</MsgId>
      <CreDtTm>{created:%Y-%m-%dT%H:%M:%SZ}</CreDtTm>
      <NbOfTxs>{count}</NbOfTxs>
      <CtrlSum>{total}</CtrlSum>
      <InitgPty><Nm>{escape(file.debtor_name)}</Nm></InitgPty>
    </GrpHdr>
    <PmtInf>
      <PmtInfId>{escape(file.message_id)}</PmtInfId>
      <PmtMtd>TRF</PmtMtd>
      <BtchBookg>false</BtchBookg>
      <NbOfTxs>{count}</NbOfTxs>
      <CtrlSum>{total}</CtrlSum>
      <PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>
      <ReqdExctnDt><Dt>{created:%Y-%m-%d}</Dt></ReqdExctnDt>
      <Dbtr><Nm>{escape(file.debtor_name)}</Nm></Dbtr>
      <DbtrAcct><Id><IBAN>{file.debtor_iban}</IBAN></Id><Ccy>{CURRENCY}</Ccy></DbtrAcct>
      <DbtrAgt><FinInstnId>{_agent(file.debtor_bic)}</FinInstnId></DbtrAgt>
      <ChrgBr>SLEV</ChrgBr>
{"".join(_render_payment(payment) for payment in file.payments)}    </PmtInf>
  </CstmrCdtTrfInitn>
</Document>
""".encode()


def _agent(bic: str | None) -> str:
    return f"<BICFI>{bic}</BICFI>" if bic is not None else "<Othr><Id>NOTPROVIDED</Id></Othr>"


def _render_payment(payment: Payment) -> str:
    return f"""      <CdtTrfTxInf>
        <PmtId><EndToEndId>{escape(payment.end_to_end)}</EndToEndId></PmtId>
        <Amt><InstdAmt Ccy="{CURRENCY}">{format_units(payment.units, DECIMALS)}</InstdAmt></Amt>
        <Cdtr><Nm>{escape(payment.name)}</Nm></Cdtr>
        <CdtrAcct><Id><IBAN>{payment.iban}</IBAN></Id></CdtrAcct>
      </CdtTrfTxInf>
"""
