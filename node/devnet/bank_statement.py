"""Statements as the development bank writes them: camt.053 in the versions 02, 03 and 08, valid by the schema."""

from dataclasses import dataclass
from datetime import datetime

VERSIONS = ("02", "03", "08")


@dataclass(frozen=True, slots=True)
class Line:
    """One movement. `name` and `iban` are the other side's. `family` is the ISO sub-family of a charge."""

    units: int
    credit: bool
    name: str = ""
    iban: str = ""
    text: str = ""
    end_to_end: str = "NOTPROVIDED"
    servicer_reference: str = ""
    family: str = "ESCT"
    booked: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """One statement. With `batch`, the id of a payout file, its lines are one entry with the lines as details."""

    iban: str
    sequence: int
    opening_units: int
    closing_units: int
    at: datetime
    lines: tuple[Line, ...]
    batch: str | None = None


def render(page: Page, version: str) -> bytes:
    if version not in VERSIONS:
        raise ValueError(f"statements are written in the versions {', '.join(VERSIONS)}")
    dialect = _Dialect(version)
    at, day = (
        f"{page.at:%Y-%m-%dT%H:%M:%S%:z}" if False else page.at.isoformat(timespec="seconds"),
        f"{page.at:%Y-%m-%d}",
    )
    entries = [page.lines] if page.batch is not None else [(line,) for line in page.lines]
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">
  <BkToCstmrStmt>
    <GrpHdr><MsgId>DEVBANK-{page.sequence}</MsgId><CreDtTm>{at}</CreDtTm></GrpHdr>
    <Stmt>
      <Id>DEV-{page.at:%Y}-{page.sequence}</Id>
      <ElctrncSeqNb>{page.sequence}</ElctrncSeqNb>
      <CreDtTm>{at}</CreDtTm>
      <Acct><Id><IBAN>{page.iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>
{_balance("OPBD", page.opening_units, day)}{_balance("CLBD", page.closing_units, day)}"""
