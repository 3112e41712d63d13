"""What the signer allows, per network: destinations by class, and limits that live with the signer alone.

What this prevents: limits that whoever owns the database could raise (KEY-06). Amounts are written for people, as decimal
strings in the asset's own scale on that network ("2.5"), and are whole units from here on.

    [networks.ethereum]
    kind = "evm"
    chain_id = 31337
    fee_max = "0.05"             the most that one submission may cost, in the network's own asset
    fee_window_max = "1"         the most that all submissions of a window may cost together
    gas_funding_max = "0.02"     the most that the hot address gives to one deposit address for gas
    gas_funding_window_max = "5" and to all of them together; without it as much as the asset's own window_max
    window_s = 86400             how far back "window" looks
    payout_contract = "0x…"      pays many in one tx; without it none does, and none but ours may be made
    hot = 0                      which hot key pays, after so many rotations (docs/running.md, "Keys")
    retiring = false             true while what was reserved from the hot key before it may still be signed

    [networks.ethereum.approvers]    the people who may approve, by name: Ed25519 keys of 64 hexadecimal digits
    ann = "…"
    ben = ["…", "…"]                 whoever has two keys is one person all the same

    [networks.ethereum.recovery]     without it nothing that was sent wrongly is ever sent back
    approvals = 2                    how many of these must have signed the exact act
    approvers = { ann = "…" }        where they are others than the network's

    [networks.ethereum.assets.ETH]
    decimals = 18
    submission_max = "10"
    window_max = "50"
    approvals_above = "2"            a withdrawal of more is signed only if
    approvals = 2                    so many of the network's approvers have signed that very payment
    hour_max = "20%"             more within an hour, of the window's limit or as an amount, trips the breaker (without it: 50%)

    [networks.ethereum.assets.DUSD]
    contract = "0x…"             only transfer(address,uint256) on a listed contract is ever signed
    decimals = 6
    submission_max = "10000"
    window_max = "50000"

A chain of the Bitcoin family has `kind = "bitcoin"` and `chain` ("main", "testnet", "signet", "regtest", "litecoin" or
"litecoin-regtest") with its one asset, BTC or LTC; a bank has `kind = "sepa"` and `iban` with the one asset EUR, and no fees.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, assert_never

import msgspec
from schwifty import IBAN

from chains.bitcoin.parameters import DECIMALS as COIN_DECIMALS
from chains.bitcoin.parameters import Chain, chain_named
from chains.signer.keys.paths import HOT_MAX
from wallet.money import DECIMALS_MAX, Asset, parse_amount

WINDOW_S_MAX = 366 * 24 * 3600
HOUR_S = 3600
HOUR_PERCENT = (
    50  # of the window's limit trips the breaker where the policy does not say; a window within the hour needs none
)
_PERCENT = re.compile(r"([1-9][0-9]?|100)%", re.ASCII)
_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)
_CONTRACT = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)


class PolicyMalformed(ValueError):
    """The written policy is not one. The message names the place."""


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Who may approve, and how many of them it takes: `approvers` maps a public key to the person whose it is."""

    approvals: int
    approvers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Threshold:
    """Units of one withdrawal above which people must have signed it; what they sign has the amount in these decimals."""

    above: int
    decimals: int
    rule: ApprovalRule


@dataclass(frozen=True, slots=True)
class Limit:
    """Units of one asset on its network: the most that one submission, and that all of a window, may pay out or cost. With a
    threshold, what is above it needs people as well; it lifts neither limit. What would pass `hour_max`, network fees in the
    asset included, trips the breaker."""

    asset: str
    submission_max: int
    window_max: int
    threshold: Threshold | None = None
    hour_max: int | None = None


@dataclass(frozen=True, slots=True)
class EvmPolicy:
    """`contracts` maps a listed token's address, in lower case, to its symbol. Without `recovery` there is none.
    `payout_contract` is in lower case too. `hot` and `retiring` say which key pays (`chains.signer.judging.hot`)."""

    chain_id: int
    native: str
    contracts: Mapping[str, str]
    gas_funding_max: int
    limits: Mapping[str, Limit]
    fees: Limit
    window_s: int
    recovery: ApprovalRule | None = None
    payout_contract: str | None = None
    hot: int = 0
    retiring: bool = False


@dataclass(frozen=True, slots=True)
class UtxoPolicy:
    """`hot` and `retiring` say which key of the house the change goes to (`chains.signer.judging.hot`)."""

    chain: Chain
    limits: Mapping[str, Limit]
    fees: Limit
    window_s: int
    hot: int = 0
    retiring: bool = False

    @property
    def main(self) -> bool:
        """Real money, with key paths and key prefixes of its own."""
        return self.chain.real


@dataclass(frozen=True, slots=True)
class SepaPolicy:
    iban: str
    limits: Mapping[str, Limit]
    fees: Limit
    window_s: int


NetworkPolicy = EvmPolicy | UtxoPolicy | SepaPolicy
Policy = Mapping[str, NetworkPolicy]
"""By the network's id."""


class _Asset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    decimals: Annotated[int, msgspec.Meta(ge=0, le=DECIMALS_MAX)]
    submission_max: str
    window_max: str
    hour_max: str | None = None
    contract: str | None = None
    approvals_above: str | None = None
    approvals: Annotated[int, msgspec.Meta(ge=1)] = 2


_Hot = Annotated[int, msgspec.Meta(ge=0, le=HOT_MAX)]
_Seconds = Annotated[int, msgspec.Meta(ge=1, le=WINDOW_S_MAX)]


_Approvers = dict[str, str | list[str]]


class _Recovery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    approvers: _Approvers = {}
    approvals: Annotated[int, msgspec.Meta(ge=1)] = 2


class _Evm(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="evm"):
    chain_id: Annotated[int, msgspec.Meta(ge=1)]  # 0 would be valid on every chain
    fee_max: str
    fee_window_max: str
    gas_funding_max: str
    window_s: _Seconds
    assets: dict[str, _Asset]
    approvers: _Approvers = {}
    recovery: _Recovery | None = None
    payout_contract: str | None = None
    gas_funding_window_max: str | None = None
    hot: _Hot = 0
    retiring: bool = False


class _Utxo(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="bitcoin"):
    chain: str
    fee_max: str
    fee_window_max: str
    window_s: _Seconds
    assets: dict[str, _Asset]
    approvers: _Approvers = {}
    hot: _Hot = 0
    retiring: bool = False


class _Sepa(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="sepa"):
    iban: str
    window_s: _Seconds
    assets: dict[str, _Asset]
    approvers: _Approvers = {}


def read_policy(networks: Mapping[str, Any]) -> Policy:
    """The `[networks.*]` tables of the signer's configuration. Raises `PolicyMalformed`; unknown keys are errors."""
    return {network: _read_network(network, table) for network, table in networks.items()}


def _read_network(network: str, table: object) -> NetworkPolicy:
    try:
        return _network(msgspec.convert(table, type=_Evm | _Utxo | _Sepa))
    except ValueError as reason:
        raise PolicyMalformed(f"networks.{network}: {reason}") from None


def _network(written: _Evm | _Utxo | _Sepa) -> NetworkPolicy:
    match written:
        case _Evm():
            return _evm(written)
        case _Utxo():
            return _utxo(written)
        case _Sepa():
            return _sepa(written)
        case _:
            assert_never(written)


def _evm(written: _Evm) -> EvmPolicy:
    natives = [symbol for symbol, asset in written.assets.items() if asset.contract is None]
    if len(natives) != 1:
        raise PolicyMalformed("exactly one asset has no contract: the chain's own")
    native = Asset(natives[0], written.assets[natives[0]].decimals)
    return EvmPolicy(
        chain_id=written.chain_id,
        native=native.symbol,
        contracts=_contracts(written.assets),
        gas_funding_max=parse_amount(written.gas_funding_max, native).units,
        limits=_limits(written) | _gas_limit(written, native),
        fees=_fees(written.fee_max, written.fee_window_max, native),
        window_s=written.window_s,
        recovery=_recovery(written.recovery, written.approvers),
        payout_contract=_payout_contract(written),
        hot=written.hot,
        retiring=written.retiring,
    )


def _payout_contract(written: _Evm) -> str | None:
    contract = written.payout_contract
    if contract is not None and not _CONTRACT.fullmatch(contract):
        raise PolicyMalformed("a contract is written 0x and 40 hexadecimal digits")
    if contract is not None and contract.lower() in _contracts(written.assets):
        raise PolicyMalformed("the payout contract is none of a listed token")
    return None if contract is None else contract.lower()


def gas_of(native: str) -> str:
    """What gas funding counts as: it leaves the hot address, though not us, and must not empty it."""
    return f"{native} for gas"


def _gas_limit(written: _Evm, native: Asset) -> dict[str, Limit]:
    window = written.gas_funding_window_max or written.assets[native.symbol].window_max
    submission = parse_amount(written.gas_funding_max, native).units
    return {gas_of(native.symbol): Limit(gas_of(native.symbol), submission, parse_amount(window, native).units)}


def _recovery(written: _Recovery | None, of_network: _Approvers) -> ApprovalRule | None:
    return None if written is None else _approval_rule(written.approvals, written.approvers or of_network)


def _approval_rule(approvals: int, written: _Approvers) -> ApprovalRule:
    """One key is one person's; a person may have several, and counts once."""
    keys = [(key.lower(), name) for name, own in written.items() for key in ([own] if isinstance(own, str) else own)]
    approvers = dict(keys)
    if not all(_KEY.fullmatch(key) for key in approvers):
        raise PolicyMalformed("an approver's key is an Ed25519 key of 64 hexadecimal digits")
    if len(approvers) != len(keys) or len(set(approvers.values())) < approvals:
        raise PolicyMalformed("it takes as many approvers as approvals, each with a key of their own")
    return ApprovalRule(approvals, approvers)


def _utxo(written: _Utxo) -> UtxoPolicy:
    chain = chain_named(written.chain)
    asset = _sole_asset(written.assets, Asset(chain.asset, COIN_DECIMALS))
    fees = _fees(written.fee_max, written.fee_window_max, asset)
    return UtxoPolicy(chain, _limits(written), fees, written.window_s, written.hot, written.retiring)


def _sepa(written: _Sepa) -> SepaPolicy:
    asset = _sole_asset(written.assets, Asset("EUR", 2))
    iban = IBAN(written.iban).compact
    return SepaPolicy(iban, _limits(written), Limit(asset.symbol, 0, 0), written.window_s)


def _sole_asset(assets: Mapping[str, _Asset], sole: Asset) -> Asset:
    if [(symbol, asset.decimals, asset.contract) for symbol, asset in assets.items()] != [(*_parts(sole), None)]:
        raise PolicyMalformed(f"the one asset here is {sole.symbol} with {sole.decimals} decimals and no contract")
    return sole


def _parts(asset: Asset) -> tuple[str, int]:
    return asset.symbol, asset.decimals


def _contracts(assets: Mapping[str, _Asset]) -> dict[str, str]:
    listed = {symbol: asset.contract for symbol, asset in assets.items() if asset.contract is not None}
    if not all(_CONTRACT.fullmatch(contract) for contract in listed.values()):
        raise PolicyMalformed("a contract is written 0x and 40 hexadecimal digits")
    contracts = {contract.lower(): symbol for symbol, contract in listed.items()}
    if len(contracts) != len(listed):
        raise PolicyMalformed("one contract is listed for two assets")
    return contracts


def _limits(written: _Evm | _Utxo | _Sepa) -> dict[str, Limit]:
    return {symbol: _limit(Asset(symbol, one.decimals), one, written) for symbol, one in written.assets.items()}


def _limit(asset: Asset, written: _Asset, network: _Evm | _Utxo | _Sepa) -> Limit:
    submission = parse_amount(written.submission_max, asset).units
    window, threshold = parse_amount(written.window_max, asset).units, None
    if written.approvals_above is not None:
        above = parse_amount(written.approvals_above, asset).units
        threshold = Threshold(above, asset.decimals, _approval_rule(written.approvals, network.approvers))
    hour = _hour_max(asset, written.hour_max, window)
    if hour is not None and hour < submission:
        raise PolicyMalformed(f"{asset.symbol}: one submission alone would trip the breaker; hour_max is too low")
    if hour is None and network.window_s > HOUR_S:
        hour = max(submission, window * HOUR_PERCENT // 100)
    return Limit(asset.symbol, submission, window, threshold, hour)


def _hour_max(asset: Asset, written: str | None, window: int) -> int | None:
    """An amount, or a share of the window's limit such as "20%"."""
    if written is None:
        return None
    share = _PERCENT.fullmatch(written)
    return parse_amount(written, asset).units if share is None else window * int(share[1]) // 100


def _fees(submission_max: str, window_max: str, asset: Asset) -> Limit:
    return Limit(asset.symbol, parse_amount(submission_max, asset).units, parse_amount(window_max, asset).units)
