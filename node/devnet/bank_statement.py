"""Statements as the development bank writes them: camt.053 in the versions 02, 03 and 08, valid by the schema."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

VERSIONS = ("02", "03", "08")


@dataclass(frozen=True, slots=True)
class Line:
    """One movement. `name` and `iban` are the other side's; `family` is the ISO sub-family of what it is."""

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
    """A camt.053 document with one statement, valid by the schema of that version."""
    """The document, valid by the schema of that version. Raises `ValueError` for a version that the bank does not write."""
    if version not in VERSIONS:
        raise ValueError(f"statements are written in the versions {', '.join(VERSIONS)}")
    at, day = page.at.isoformat(timespec="seconds"), f"{page.at:%Y-%m-%d}"
    groups = [page.lines] if page.batch is not None else [(line,) for line in page.lines]
    entries = "".join(_entry(lines, page.batch, day, version) for lines in groups)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">
  <BkToCstmrStmt>
    <GrpHdr><MsgId>DEVBANK-{page.sequence}</MsgId><CreDtTm>{at}</CreDtTm></GrpHdr>
    <Stmt>
      <Id>DEV-{page.at:%Y}-{page.sequence}</Id>
      <ElctrncSeqNb>{page.sequence}</ElctrncSeqNb>
      <CreDtTm>{at}</CreDtTm>
      <Acct><Id><IBAN>{page.iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>
{_balance("OPBD", page.opening_units, day)}{_balance("CLBD", page.closing_units, day)}{entries}    </Stmt>
  </BkToCstmrStmt>
</Document>
""".encode()


def _balance(code: str, units: int, day: str) -> str:
    return (
        f"      <Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(abs(units))}"
        f"{_direction(units >= 0)}<Dt><Dt>{day}</Dt></Dt></Bal>\n"
    )


def _entry(lines: Sequence[Line], batch: str | None, day: str, version: str) -> str:
    first, units = lines[0], sum(line.units for line in lines)
    state = "BOOK" if first.booked else "PDNG"
    status = f"<Sts><Cd>{state}</Cd></Sts>" if version == "08" else f"<Sts>{state}</Sts>"
    kind = "RCDT" if first.credit else "ICDT"
    header = f"<Btch><PmtInfId>{batch}</PmtInfId><NbOfTxs>{len(lines)}</NbOfTxs></Btch>" if batch is not None else ""
    return f"""      <Ntry>
        {_amount(units)}{_direction(first.credit)}{status}
        <BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt>
        <AcctSvcrRef>{first.servicer_reference}</AcctSvcrRef>
        <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{kind}</Cd><SubFmlyCd>{first.family}</SubFmlyCd></Fmly></Domn></BkTxCd>
        <NtryDtls>{header}
{"".join(_details(line, version) for line in lines)}        </NtryDtls>
      </Ntry>
"""


def _details(line: Line, version: str) -> str:
    amount = f"{_amount(line.units)}{_direction(line.credit)}"
    if version == "02":
        amount = f"<AmtDtls><TxAmt>{_amount(line.units)}</TxAmt></AmtDtls>"
    text = f"<RmtInf><Ustrd>{escape(line.text)}</Ustrd></RmtInf>" if line.text else ""
    return f"""          <TxDtls>
            <Refs><EndToEndId>{escape(line.end_to_end)}</EndToEndId></Refs>{amount}
            {_party(line, version)}{text}
          </TxDtls>
"""


def _party(line: Line, version: str) -> str:
    if not line.name:
        return ""
    role, name = ("Dbtr" if line.credit else "Cdtr"), f"<Nm>{escape(line.name)}</Nm>"
    named = f"<Pty>{name}</Pty>" if version == "08" else name
    account = f"<{role}Acct><Id><IBAN>{line.iban}</IBAN></Id></{role}Acct>" if line.iban else ""
    return f"<RltdPties><{role}>{named}</{role}>{account}</RltdPties>"


def _amount(units: int) -> str:
    whole, cents = divmod(units, 100)
    return f'<Amt Ccy="EUR">{whole}.{cents:02d}</Amt>'


def _direction(credit: bool) -> str:
    return f"<CdtDbtInd>{'CRDT' if credit else 'DBIT'}</CdtDbtInd>"
