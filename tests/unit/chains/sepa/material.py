"""Statements for tests, written by hand as a bank could write them; nothing here is shared with the code under test."""

from chains.sepa.account import Account
from wallet.money import Asset

EUR = Asset("EUR", 2)
IBAN = "DE89370400440532013000"
OTHER_IBAN = "NL91ABNA0417164300"
ACCOUNT = Account(IBAN, EUR)


def entry(
    amount: str,
    *,
    credit: bool = True,
    state: str = "BOOK",
    reference: str | None = None,
    number: str | None = None,
    reversal: bool = False,
    code: str = "RCDT/ESCT",
    batch: str | None = None,
    details: str | None = None,
    text: str = "",
    currency: str = "EUR",
    version: str = "08",
) -> str:
    family, sub_family = code.split("/")
    status = f"<Cd>{state}</Cd>" if version == "08" else state
    group = f"<Btch><PmtInfId>{batch}</PmtInfId></Btch>" if batch else ""
    itemised = f"<NtryDtls>{group}{details or ''}</NtryDtls>" if details is not None or batch else ""
    return (
        f"<Ntry>{_tag('NtryRef', number)}"
        f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction(credit)}</CdtDbtInd>'
        f"{'<RvslInd>true</RvslInd>' if reversal else ''}<Sts>{status}</Sts>"
        f"{_tag('AcctSvcrRef', reference)}"
        f"<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub_family}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"{itemised}{_tag('AddtlNtryInf', text or None)}</Ntry>"
    )


def detail(
    amount: str | None = None,
    *,
    text: str | None = None,
    creditor_reference: str | None = None,
    end_to_end: str | None = None,
    debtor: str | None = None,
    debtor_iban: str | None = None,
    credit: bool | None = None,
    reference: str | None = None,
    returned: bool = False,
) -> str:
    """One TxDtls of version 08."""
    refs = f"{_tag('AcctSvcrRef', reference)}{_tag('EndToEndId', end_to_end)}"
    money = f'<Amt Ccy="EUR">{amount}</Amt>' if amount is not None else ""
    way = f"<CdtDbtInd>{direction(credit)}</CdtDbtInd>" if credit is not None else ""
    account = f"<DbtrAcct><Id><IBAN>{debtor_iban}</IBAN></Id></DbtrAcct>" if debtor_iban else ""
    party = f"<RltdPties><Dbtr><Pty><Nm>{debtor}</Nm></Pty></Dbtr>{account}</RltdPties>" if debtor else ""
    structured = f"<Strd><CdtrRefInf><Ref>{creditor_reference}</Ref></CdtrRefInf></Strd>" if creditor_reference else ""
    remittance = f"<RmtInf>{_tag('Ustrd', text)}{structured}</RmtInf>" if text or structured else ""
    back = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf>" if returned else ""
    return f"<TxDtls><Refs>{refs}</Refs>{money}{way}{party}{remittance}{back}</TxDtls>"


def balance(code: str, amount: str, *, day: str = "2026-03-02", currency: str = "EUR") -> str:
    credit, digits = not amount.startswith("-"), amount.removeprefix("-")
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{digits}</Amt>'
        f"<CdtDbtInd>{direction(credit)}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def statement(
    opening: str = "0.00",
    closing: str = "0.00",
    *entries: str,
    number: int | None = 1,
    name: str | None = None,
    day: str = "2026-03-02",
    iban: str = IBAN,
    page: tuple[int, bool] | None = None,
    balances: str | None = None,
    created: str = "2026-03-02T18:00:00Z",
) -> str:
    """One Stmt of version 03 or 08."""
    money = balances or balance("OPBD", opening, day=day) + balance("CLBD", closing, day=day)
    paging = (
        f"<StmtPgntn><PgNb>{page[0]}</PgNb><LastPgInd>{str(page[1]).lower()}</LastPgInd></StmtPgntn>" if page else ""
    )
    return (
        f"<Stmt><Id>{name or f'S-{day}-{number}'}</Id>{paging}"
        f"{_tag('ElctrncSeqNb', None if number is None else str(number))}<CreDtTm>{created}</CreDtTm>"
        f"<Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>EUR</Ccy></Acct>{money}{''.join(entries)}</Stmt>"
    )


def document(*statements: str, version: str = "08") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>M</MsgId><CreDtTm>2026-03-02T18:00:00Z</CreDtTm></GrpHdr>"
        f"{''.join(statements)}</BkToCstmrStmt></Document>"
    ).encode()


def direction(credit: bool) -> str:
    return "CRDT" if credit else "DBIT"


def _tag(name: str, text: str | None) -> str:
    return f"<{name}>{text}</{name}>" if text is not None else ""
