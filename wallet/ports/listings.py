"""What a network can do, and which assets it lists."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wallet.ids import NetworkId
from wallet.money import Asset


class Reversal(StrEnum):
    REORG = "reorg"
    RETURN = "return"


class Source(StrEnum):
    """What a submission consumes, and what therefore makes two submissions exclude each other."""

    NONCE = "nonce"
    UTXO = "utxo"
    FILE = "file"


class Branch(StrEnum):
    """Customers' deposit addresses, and the node's own (index 0 is the hot address; operators fund it). A network that
    gives customers a second kind of address has a branch of keys for it, each with a counter of its own."""

    DEPOSIT = "deposit"
    HOUSE = "house"
    DEPOSIT_TAPROOT = "deposit-taproot"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What differs between networks.

    `resend_safe`: may the same bytes be sent twice. `sweeps`: deposits must be moved to the hot address before they
    can be paid out. `customer_pays_fee`: the network fee is quoted to, held from and paid by the customer, in the
    asset itself. `personal_payload`: submissions name people, so their bytes are sealed wherever we store them.
    `address_kinds`: the kinds of deposit address that can be asked for by name, with the branch of keys of each; the
    first is given to who names none. Empty where there is one kind, `Branch.DEPOSIT`.
    `confirmations`: the depth that is final, where that is a count and not the network's own judgement.
    """

    source: Source
    reversal: Reversal
    resend_safe: bool
    sweeps: bool
    customer_pays_fee: bool
    personal_payload: bool
    address_kinds: Mapping[str, "Branch"] = field(default_factory=dict)
    confirmations: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """More than `above_units` in a listing's window is credited after so many confirmations at the earliest."""

    above_units: int
    confirmations: int


@dataclass(frozen=True, slots=True)
class Listing:
    """One asset on one network. `contract` is None for the network's own asset; `decimals` belong to (network, contract).

    A deposit below `deposit_min_units` is dust, which would cost more to spend than it is worth; a withdrawal below
    `withdrawal_min_units` would cost others its network fee. Both in base units of the ledger. `steps` ask for more depth
    than the network calls final where one owner receives much within `steps_window_s`, or in blocks that lie close together.

    Where one provider alone is believed, a deposit above `one_provider_max_units` waits for a person, and what is credited
    within 24 hours stays at or below `one_provider_day_max_units`. None: no such bound.
    """

    network: NetworkId
    asset: Asset
    contract: str | None
    decimals: int
    deposit_min_units: int = 0
    withdrawal_min_units: int = 0
    one_provider_max_units: int | None = None
    one_provider_day_max_units: int | None = None
    steps: tuple[Step, ...] = ()
    steps_window_s: int = 86_400


@dataclass(frozen=True, slots=True)
class Derived:
    """An address made from public material only, with the path by which the signer finds its key."""

    address: str
    path: str
