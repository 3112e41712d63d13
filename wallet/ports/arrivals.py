"""Value that arrives: plain frozen facts, recorded and never decided on by adapters."""

from dataclasses import dataclass
from datetime import datetime

from wallet.money import Amount


@dataclass(frozen=True, slots=True)
class BlockRef:
    height: int
    id: str


@dataclass(frozen=True, slots=True)
class Party:
    """The other side of a bank movement. Personal data: it goes to the vault and nowhere else."""

    name: str | None
    iban: str | None


@dataclass(frozen=True, slots=True)
class Incoming:
    """Value that arrived at an address of ours, as the network shows it.

    `identity` names the arrival for ever and excludes the block: (tx hash, ordinal of the log within its receipt) on EVM,
    the outpoint where coins are unspent outputs, (account, entry reference, detail index) at a bank. `address` is in the
    canonical form in which `derive` returned it; None when a bank movement carries no reference of ours (it is then
    unattributed). `doubt` is a reason not to believe it, or not to know whose it is ("balance_disagrees", "inexact",
    "ambiguous_reference"; the glossary has them all); such a deposit is quarantined, never credited as it stands. `booked`
    is False for what the network announces but has not yet put in a block (a pending bank entry, a tx in the mempool).
    `confirmations_min` is what the network's own rules ask for before it can be spent (a miner's reward), 0 for nothing.
    `text` is the remittance information, personal data as well. `returns` is our own id of the payout that the bank says it
    brings back.
    """

    identity: str
    address: str | None
    amount: Amount
    tx: str
    doubt: str | None = None
    booked: bool = True
    confirmations_min: int = 0
    party: Party | None = None
    text: str | None = None
    returns: str | None = None


UNPROVEN_DOUBTS = frozenset({"balance_disagrees", "balance_unreadable", "balance_grew", "in_growth"})
"""Doubts of an `Incoming` that the network's own state does not bear out, or that tell of what is counted elsewhere. With any
other doubt the value is there, and only whose it is, or how much of it can be written down, is open."""


@dataclass(frozen=True, slots=True)
class Stray:
    """A token at an address of ours whose contract this network does not list. A claim: no balance has proven it.

    `identity` names it for ever as an `Incoming`'s does, and excludes the block. `units` are the contract's own base units:
    nobody vouches for what they are worth, and `symbol` and `decimals` are what the contract says of itself, where it was
    asked, to be shown as such and never computed with.
    """

    identity: str
    address: str
    contract: str
    units: int
    tx: str
    symbol: str | None = None
    decimals: int | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Value that a bank statement shows leaving without any submission of ours: charges, direct debits."""

    identity: str
    amount: Amount
    reason: str
    charge: bool


@dataclass(frozen=True, slots=True)
class Block:
    """One verified block with all that touches our address book. `parent` is the id at `height - 1`."""

    height: int
    id: str
    parent: str
    at: datetime
    incoming: tuple[Incoming, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
    strays: tuple[Stray, ...] = ()
    strays_beyond: int = 0  # besides those that are told: a flood

    @property
    def ref(self) -> BlockRef:
        return BlockRef(self.height, self.id)
