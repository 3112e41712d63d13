"""An accepted statement as a block: which movements are for which reference, and which are for nobody that we know.

What this prevents: money credited to the wrong customer because a payer quoted two references, a batch whose parts do not
come to its whole, and a deposit that is lost because the bank used a reference twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chains.sepa.account import Account
from chains.sepa.address import find_references
from chains.sepa.entries import TEXT_MAX
from chains.sepa.history import Glance, History
from chains.sepa.movements import Movement, is_return, movements, own_name, returned_payout
from wallet.ids import NetworkId
from wallet.money import Amount
from wallet.ports import AddressBook, Block, Incoming, Outgoing, Party


async def read_block(height: int, history: History, book: AddressBook, network: NetworkId) -> Block:
    """Raises `BlockVanished` where there is no such statement."""
    accepted, statement = await history.statement(height)
    found = list(movements(statement))
    naming = _Naming(history.account.iban, height, await history.before(height), found)
    arrived = [movement for movement in found if movement.credit and not naming.is_stale_announcement(movement)]
    quoted = [quoted_references(movement) for movement in arrived]
    known = await book.known(network, frozenset().union(*quoted))
    scan = _Scan(history.account, statement.id, naming)
    return Block(
        height=height,
        id=accepted.id,
        parent=accepted.parent,
        at=accepted.created_at,
        incoming=tuple(scan.incoming(movement, named & known) for movement, named in zip(arrived, quoted, strict=True)),
        outgoing=tuple(scan.outgoing(movement, reason) for movement in found if (reason := naming.leaving(movement))),
    )


def quoted_references(movement: Movement) -> frozenset[str]:
    """The references of our shape that the payer gave. None for a movement in doubt, and none for a payout that came back:
    its text is our own."""
    if movement.doubt is not None or is_return(movement):
        return frozenset()
    detail = movement.detail
    return find_references([movement.entry.text] if detail is None else [detail.text, *detail.references])


class _Naming:
    """Identities that hold for ever, also where a bank's references do not."""

    def __init__(self, iban: str, height: int, earlier: Sequence[Glance], found: Sequence[Movement]) -> None:
        self._iban = iban
        self._height = height
        self._earlier = earlier
        self._first: dict[str, int] = {}
        self._debits = {debit.reference for glance in earlier for debit in glance.debits}
        for movement in sorted(found, key=lambda each: not each.booked):
            if movement.reference is not None:
                self._first.setdefault(movement.reference, movement.ordinal)

    def identity(self, movement: Movement) -> str:
        """(account, entry reference, detail index). A booked entry whose reference was booked before is other money: it gets
        the statement's height and its place there as well, and so does one without any reference."""
        place, reference = f"#{self._height}.{movement.ordinal}", movement.reference
        if reference is not None and not self._used(reference, movement):
            place = ""
        return f"{self._iban}:{reference or ''}{place}:{movement.index}"

    def is_stale_announcement(self, movement: Movement) -> bool:
        """A pending entry of what is booked, or announced, already."""
        reference = movement.reference
        return not movement.booked and reference is not None and self._used(reference, movement)

    def leaving(self, movement: Movement) -> str | None:
        """Why a booked debit is nobody's submission; None where it is one of ours, and for all that is no booked debit."""
        if movement.credit or not movement.booked:
            return None
        name = own_name(movement)
        if name is None:
            return _reason(movement)
        repeated = name in self._debits and name.startswith("wdr-")
        self._debits.add(name)
        return "paid_twice" if repeated else None

    def _used(self, reference: str, movement: Movement) -> bool:
        return self._first[reference] != movement.ordinal or self._booked_before(reference)

    def _booked_before(self, reference: str) -> bool:
        return any(reference in glance.references for glance in self._earlier)


@dataclass(frozen=True, slots=True)
class _Scan:
    account: Account
    statement_id: str
    naming: _Naming

    def incoming(self, movement: Movement, references: frozenset[str]) -> Incoming:
        return Incoming(
            identity=self.naming.identity(movement),
            address=next(iter(references)) if len(references) == 1 else None,
            amount=Amount(movement.units, self.account.asset),
            tx=f"{self.statement_id}:{movement.ordinal}",
            doubt=_doubt(movement, references),
            booked=movement.booked,
            party=_party(movement),
            text=_text(movement),
            returns=returned_payout(movement),
        )

    def outgoing(self, movement: Movement, reason: str) -> Outgoing:
        amount = Amount(movement.units, self.account.asset)
        return Outgoing(self.naming.identity(movement), amount, reason, charge=reason == "charge")


def _doubt(movement: Movement, references: frozenset[str]) -> str | None:
    if movement.doubt is not None:
        return movement.doubt
    if is_return(movement):
        return "returned_payout"
    return "ambiguous_reference" if len(references) > 1 else None


def _reason(movement: Movement) -> str:
    if movement.doubt is not None:
        return movement.doubt
    if movement.entry.reversal:
        return "reversal_of_credit"
    if movement.entry.charge or (movement.detail is not None and movement.detail.charge):
        return "charge"
    return "direct_debit" if movement.entry.family == "RDDT" else "debit"


def _party(movement: Movement) -> Party | None:
    """The other side: who paid, or for a payout that came back, whom we had paid."""
    if movement.detail is None:
        return None
    party = movement.detail.creditor if is_return(movement) else movement.detail.debtor
    return None if party == Party(None, None) else party


def _text(movement: Movement) -> str | None:
    detail = movement.detail
    text = (detail.text if detail is not None else "") or movement.entry.text
    if is_return(movement) and detail is not None and detail.end_to_end is not None:
        text = f"{detail.end_to_end} {text}"
    return text.strip()[:TEXT_MAX] or None
