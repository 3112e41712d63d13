"""Which assets a network lists, and what each of them asks for."""

from dataclasses import dataclass

from wallet.ids import NetworkId
from wallet.money import Asset


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
