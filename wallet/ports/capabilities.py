"""What differs between networks: declared by each, never guessed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wallet.ports.addresses import Branch


class Reversal(StrEnum):
    REORG = "reorg"
    RETURN = "return"


class Source(StrEnum):
    """What a submission consumes, and what therefore makes two submissions exclude each other."""

    NONCE = "nonce"
    UTXO = "utxo"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Bumping:
    """When a submission that no block takes is replaced by itself: once it has been below the present price for `after_s`,
    and that `times` at the most."""

    after_s: int
    times: int


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What differs between networks.

    `resend_safe`: may the same bytes be sent twice. `sweeps`: deposits must be moved to the hot address before they
    can be paid out. `customer_pays_fee`: the network fee is quoted to, held from and paid by the customer, in the
    asset itself. `personal_payload`: submissions name people, so their bytes are sealed wherever we store them.
    `address_kinds`: the kinds of deposit address that can be asked for by name, with the branch of keys of each; the
    first is given to who names none. Empty where there is one kind, `Branch.DEPOSIT`.
    `confirmations`: the depth that is final, where that is a count and not the network's own judgement.
    `batch_max`: how many withdrawals of one asset one submission may pay; 1 where each is paid alone.
    `bumping`: when what is stuck is replaced at a higher fee; None where nothing is ever replaced (`replacing.Replacing`).
    """

    source: Source
    reversal: Reversal
    resend_safe: bool
    sweeps: bool
    customer_pays_fee: bool
    personal_payload: bool
    address_kinds: Mapping[str, Branch] = field(default_factory=dict)
    confirmations: int | None = None
    batch_max: int = 1
    bumping: Bumping | None = None
