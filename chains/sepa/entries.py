"""The lines of a statement, with the single transactions that the bank itemises under them."""

from dataclasses import dataclass
from enum import StrEnum

from lxml import etree

from chains.sepa.account import Account
from chains.sepa.document import DocumentRefused, node_at, nodes_at, text_at
from chains.sepa.figures import amount_at, credit_at
from wallet.ports import Party

TEXT_MAX = 1000  # remittance information kept of one movement; the scheme itself carries 140 characters
_CHARGE_CODES = frozenset({"CHRG", "COMM", "COMT", "FEES"})  # ISO 20022 external code set, sub-families


class EntryState(StrEnum):
    BOOKED = "BOOK"
    PENDING = "PDNG"
    INFORMATION = "INFO"
    FUTURE = "FUTR"


@dataclass(frozen=True, slots=True)
class Detail:
    """One transaction within an entry. `units` is None where the bank names no amount in the account's currency."""

    units: int | None
    credit: bool
    servicer_reference: str | None
    end_to_end: str | None
    batch: str | None
    returned: bool
    charge: bool
    debtor: Party
    creditor: Party
    references: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the account. `credit` is the direction as booked, also for reversals (ISO 20022: a reversed debit is a
    credit with the reversal indicator)."""

    units: int
    credit: bool
    reversal: bool
    state: EntryState
    servicer_reference: str | None
    family: str
    charge: bool
    batch: str | None
    text: str
    details: tuple[Detail, ...]

    @property
    def signed_units(self) -> int:
        return self.units if self.credit else -self.units


def read_entry(node: etree._Element, account: Account) -> Entry:
    """An `Ntry` element. Raises `DocumentRefused`: a statement with one entry that cannot be read is refused whole."""
    units = amount_at(node, "Amt", account)
    if units is None:
        raise DocumentRefused(f"has an entry that is not in {account.asset.symbol}")
    credit, family, charge = credit_at(node), *_bank_code(node)
    return Entry(
        units=units,
        credit=credit,
        reversal=text_at(node, "RvslInd") in {"true", "1"},
        state=_state(node),
        servicer_reference=text_at(node, "AcctSvcrRef"),
        family=family,
        charge=charge or (not credit and units > 0 and _charged(node, account) == units),
        batch=text_at(node, "NtryDtls/Btch/PmtInfId", "NtryDtls/Btch/MsgId"),
        text=(text_at(node, "AddtlNtryInf") or "")[:TEXT_MAX],
        details=tuple(_read_detail(detail, account, credit=credit) for detail in nodes_at(node, "NtryDtls/TxDtls")),
    )


def _read_detail(node: etree._Element, account: Account, *, credit: bool) -> Detail:
    references = tuple(
        text for ref in nodes_at(node, "RmtInf/Strd/CdtrRefInf/Ref") if (text := (ref.text or "").strip())
    )
    own = text_at(node, "CdtDbtInd")
    return Detail(
        units=_detail_amount(node, account),
        credit=credit if own is None else own == "CRDT",
        servicer_reference=text_at(node, "Refs/AcctSvcrRef"),
        end_to_end=text_at(node, "Refs/EndToEndId"),
        batch=text_at(node, "Refs/PmtInfId", "Refs/MsgId"),
        returned=node_at(node, "RtrInf") is not None or _bank_code(node)[0] == "RRTN",
        charge=_bank_code(node)[1],
        debtor=_party(node, "Dbtr"),
        creditor=_party(node, "Cdtr"),
        references=references,
        text=_remittance(node, references),
    )


def _detail_amount(node: etree._Element, account: Account) -> int | None:
    for path in ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/CntrValAmt/Amt", "AmtDtls/InstdAmt/Amt"):
        if node_at(node, path) is not None and (units := amount_at(node, path, account)) is not None:
            return units
    return None


def _remittance(node: etree._Element, references: tuple[str, ...]) -> str:
    lines = [(line.text or "").strip() for line in nodes_at(node, "RmtInf/Ustrd")]
    additional = text_at(node, "AddtlTxInf")
    if not lines and additional is not None:
        lines = [additional]
    return " ".join([*lines, *references])[:TEXT_MAX]


def _party(node: etree._Element, role: str) -> Party:
    """Version 08 puts one level between the role and the party (`Pty`)."""
    name = text_at(node, f"RltdPties/{role}/Nm", f"RltdPties/{role}/Pty/Nm")
    return Party(name, text_at(node, f"RltdPties/{role}Acct/Id/IBAN"))


def _state(node: etree._Element) -> EntryState:
    code = text_at(node, "Sts/Cd", "Sts")
    try:
        return EntryState(code or "")
    except ValueError:
        raise DocumentRefused("has an entry in a state that is not booked, pending or information") from None


def _bank_code(node: etree._Element) -> tuple[str, bool]:
    """What tells returns and direct debits apart ("RRTN", else the family), and whether it is a bank's charge."""
    family = text_at(node, "BkTxCd/Domn/Fmly/Cd") or ""
    sub_family = text_at(node, "BkTxCd/Domn/Fmly/SubFmlyCd") or ""
    return ("RRTN" if sub_family == "RRTN" else family), sub_family in _CHARGE_CODES


def _charged(node: etree._Element, account: Account) -> int | None:
    path = "Chrgs/TtlChrgsAndTaxAmt"
    return amount_at(node, path, account) if node_at(node, path) is not None else None
