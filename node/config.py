"""The node's configuration: one TOML file, overridden by the environment. Unknown keys are errors, secrets never shown.

`COFFER__NETWORKS__BITCOIN__PASSWORD=…` sets `[networks.bitcoin] password`. The database is named by the environment alone
(`COFFER_DATABASE_URL`), because it is a secret; without it the node runs a PostgreSQL of its own.
"""

import os
import tomllib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from wallet.ids import NetworkId
from wallet.money import AmountMalformed, Asset, parse_amount
from wallet.ports import Bumping, Listing, Step
from wallet.safeguards.floor import SafetyFloor

PREFIX = "COFFER__"
DAY_S = 86_400
PROVIDERS_MAX = 7  # each is asked everything
_NAME = r"^[a-z][a-z0-9-]{1,30}$"


class ConfigRefused(Exception):
    """The configuration cannot be used. One line: where, and what is wrong; never the value, which may be a secret."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StepSection(_Section):
    """Where one owner receives more than `above` within the asset's `steps_window_s`, it takes so many confirmations."""

    above: str
    confirmations: int = Field(ge=1, le=1_000)


class AssetSection(_Section):
    """One asset on one network. `decimals` are the network's; the ledger uses `scale` where it differs. Minima are decimal
    strings: smaller deposits are quarantined as dust, smaller withdrawals refused, smaller sums not swept. `steps` ask for
    more confirmations than the network calls final.

    `one_provider_max` is the largest deposit that is credited on one provider's word, `one_provider_day_max` what is credited
    within 24 hours."""

    decimals: int = Field(ge=0, le=36)
    scale: int | None = Field(default=None, ge=0, le=36)
    contract: str | None = None
    deposit_min: str = "0"
    withdrawal_min: str = "0"
    sweep_min: str = "0"
    one_provider_max: str | None = None
    one_provider_day_max: str | None = None
    steps: tuple[StepSection, ...] = Field(default=(), max_length=10, strict=False)
    steps_window_s: int = Field(default=86_400, ge=1, le=366 * 86_400)


class _NetworkSection(_Section):
    assets: dict[str, AssetSection] = Field(min_length=1)

    def watched_block_time_s(self, mode: str) -> int | None:  # noqa: ARG002  a bank has its hours
        """How often a block is expected; None where nobody watches for it."""
        return None

    @model_validator(mode="after")
    def _amounts_are_amounts(self) -> Self:
        self.sweep_minimum()
        self.listings(NetworkId("any"))
        return self

    def listings(self, network: NetworkId) -> tuple[Listing, ...]:
        return tuple(
            Listing(
                network,
                self.asset(symbol),
                section.contract,
                section.decimals,
                _units(section.deposit_min, self.asset(symbol), f"assets.{symbol}.deposit_min"),
                _units(section.withdrawal_min, self.asset(symbol), f"assets.{symbol}.withdrawal_min"),
                self._most(symbol, "one_provider_max"),
                self._most(symbol, "one_provider_day_max"),
                steps=_steps(section, self.asset(symbol), f"assets.{symbol}.steps"),
                steps_window_s=section.steps_window_s,
            )
            for symbol, section in self.assets.items()
        )

    def _most(self, symbol: str, key: str) -> int | None:
        text = getattr(self.assets[symbol], key)
        return None if text is None else _units(text, self.asset(symbol), f"assets.{symbol}.{key}")

    def asset(self, symbol: str) -> Asset:
        """With the scale of the ledger."""
        section = self.assets[symbol]
        try:
            return Asset(symbol, section.decimals if section.scale is None else section.scale)
        except ValueError as refused:
            raise ValueError(f"assets: {refused}") from None

    def sweep_minimum(self) -> dict[str, int]:
        """Base units per asset below which a deposit address is left alone."""
        return {
            symbol: _units(section.sweep_min, self.asset(symbol), f"assets.{symbol}.sweep_min")
            for symbol, section in self.assets.items()
        }


def _steps(section: AssetSection, asset: Asset, place: str) -> tuple[Step, ...]:
    """Raises `ValueError` unless more value takes more confirmations."""
    steps = tuple(Step(_units(step.above, asset, f"{place}.above"), step.confirmations) for step in section.steps)
    for lower, higher in pairwise(steps):
        if lower.above_units >= higher.above_units or lower.confirmations >= higher.confirmations:
            raise ValueError(f"{place}: each step names more value and more confirmations than the one before")
    return steps


def _units(text: str, asset: Asset, place: str) -> int:
    try:
        return parse_amount(text, asset).units
    except AmountMalformed as malformed:
        raise ValueError(f"{place}: {malformed}") from None


class ProviderSection(_Section):
    """One node that is asked. `user` and `password`, or `cookie_file`, enter a bitcoind; they may stand in the URL as well."""

    url: SecretStr
    user: str | None = None
    password: SecretStr | None = None
    cookie_file: str | None = None
    calls_per_s: int | None = Field(default=None, ge=1, le=100_000)


class _ChainSection(_NetworkSection):
    """Reached by `url`, which is then believed alone, or by several `providers` of which `quorum` must agree: more than half
    of them unless named."""

    block_time_usual_s: ClassVar[int]
    url: SecretStr | None = None
    providers: tuple[SecretStr | ProviderSection, ...] = Field(default=(), max_length=PROVIDERS_MAX, strict=False)
    quorum: int | None = Field(default=None, ge=1)
    block_time_s: int | None = Field(default=None, ge=1, le=86_400)

    @model_validator(mode="after")
    def _is_reached(self) -> Self:
        if (self.url is None) == (not self.providers):
            raise ValueError("name url or providers, one of them")
        if self.quorum is not None and self.quorum > max(len(self.providers), 1):
            raise ValueError("quorum: more than there are providers")
        return self

    def sources(self) -> tuple[ProviderSection, ...]:
        """Whom to ask, however they were written."""
        if self.url is not None:
            return (ProviderSection(url=self.url),)
        return tuple(one if isinstance(one, ProviderSection) else ProviderSection(url=one) for one in self.providers)

    def agreeing(self) -> int:
        """How many must agree before anything is believed."""
        return self.quorum or (len(self.providers) >> 1) + 1

    def watched_block_time_s(self, mode: str) -> int | None:
        """Development chains wait for txs: they are watched only if told how often a block comes."""
        return self.block_time_s or (self.block_time_usual_s if mode == "production" else None)


class _BumpedSection(_ChainSection):
    """What no block takes is replaced at a higher fee once it has been below the present price for `bump_after_s`, and at most
    `bumps_max` times by itself; 0 never."""

    bump_usual_s: ClassVar[int]
    bump_after_s: int | None = Field(ge=1, le=7 * 86_400, default=None)
    bumps_max: int = Field(ge=0, le=100, default=5)

    def bumping(self) -> Bumping:
        return Bumping(self.bump_after_s or self.bump_usual_s, self.bumps_max)


class EvmSection(_BumpedSection):
    """`confirmations`: only for a chain that never tells a `finalized` block; left out, nothing but that block is final.
    `traces`: whether the node tells what contracts move (`trace_block`); left out, it is found out. `block_proofs`: whether
    a block that cannot be proven by its header is refused, read all the same, or not proven at all."""

    block_time_usual_s: ClassVar[int] = 12
    bump_usual_s: ClassVar[int] = 180
    kind: Literal["evm"]
    chain_id: int = Field(ge=1)
    max_fee_per_gas_wei: int = Field(ge=1, default=500_000_000_000)
    confirmations: int | None = Field(ge=1, default=None)
    traces: bool | None = None
    block_proofs: Literal["required", "where_possible", "off"] = "where_possible"


class UtxoSection(_BumpedSection):
    """`address_kind` is what customers are given who ask for no other kind of address: BIP-84's or BIP-86's (taproot)."""

    block_time_usual_s: ClassVar[int] = 600
    bump_usual_s: ClassVar[int] = 3_600
    kind: Literal["bitcoin"]
    chain: Literal["main", "testnet", "signet", "regtest", "litecoin", "litecoin-regtest"]
    confirmations: int = Field(ge=1, default=3)
    address_kind: Literal["p2wpkh", "p2tr"] = "p2wpkh"
    user: str | None = None
    password: SecretStr | None = None
    cookie_file: str | None = None


class SepaSection(_NetworkSection):
    """One bank account, reached through a folder of files. `opening_balance` is what it held before its first statement."""

    kind: Literal["sepa"]
    folder: str
    iban: str
    bic: str | None = None
    holder_name: str
    opening_balance: str = "0.00"

    @model_validator(mode="after")
    def _one_account_has_one_currency(self) -> Self:
        if len(self.assets) != 1:
            raise ValueError("assets: a bank account has one currency")
        self.opening_units()
        return self

    def opening_units(self) -> int:
        return _units(self.opening_balance, self.asset(next(iter(self.assets))), "opening_balance")


NetworkSection = Annotated[EvmSection | UtxoSection | SepaSection, Field(discriminator="kind")]


class NodeSection(_Section):
    """`poll_ms` is how often each loop looks at its network, `reconcile_s` how often what it holds is set against the books:
    an asset with a shortfall stops within twice that. `witness` is the file of signed heads: better on another machine's
    disk than the database's."""

    mode: Literal["dev", "production"]
    folder: str
    listen: str = "127.0.0.1:8080"
    source_url: str | None = None
    witness: str | None = None
    poll_ms: int = Field(ge=50, le=60_000, default=500)
    reconcile_s: int = Field(ge=1, le=30, default=20)

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:
            raise ValueError("listen is host:port")
        return value


class SignerSection(_Section):
    """`config` is the signer's own file, for a signer that the node runs as its child; `socket` names one that runs alone."""

    config: str | None = None
    socket: str | None = None


class SafetySection(_Section):
    """What holds for every customer, whose own rules can only add to it. `destination_delay_s`: how long a newly saved
    destination waits before its first use. `loosening_s`: the least time that loosening a rule of one's own takes.
    `saved_only`: withdrawals go to saved destinations alone. The times are a day in production and nothing in dev, unless
    named."""

    destination_delay_s: int | None = Field(default=None, ge=0, le=366 * 86_400)
    loosening_s: int | None = Field(default=None, ge=0, le=366 * 86_400)
    saved_only: bool = False


class Config(_Section):
    """The whole file. `start` is the folder that relative paths begin at; it is never written in the file."""

    node: NodeSection
    networks: dict[Annotated[str, Field(pattern=_NAME)], NetworkSection] = Field(min_length=1)
    signer: SignerSection
    safety: SafetySection = SafetySection()
    start: Path = Field(default=Path(), exclude=True)

    def path(self, written: str) -> Path:
        """Relative paths begin at the configuration file's own folder."""
        return (self.start / written).absolute()

    @property
    def folder(self) -> Path:
        return self.path(self.node.folder)

    @property
    def witness_file(self) -> Path:
        return self.folder / "witness.log" if self.node.witness is None else self.path(self.node.witness)

    def safety_floor(self) -> SafetyFloor:
        usual_s = DAY_S if self.node.mode == "production" else 0
        delay_s, loosening_s = self.safety.destination_delay_s, self.safety.loosening_s
        return SafetyFloor(
            usual_s if delay_s is None else delay_s,
            usual_s if loosening_s is None else loosening_s,
            self.safety.saved_only,
        )

    def assets(self) -> dict[str, Asset]:
        """Raises `ConfigRefused` when one asset has two scales: then a `scale` must be named."""
        found: dict[str, Asset] = {}
        for name, section in self.networks.items():
            for listing in section.listings(NetworkId(name)):
                if found.setdefault(listing.asset.symbol, listing.asset) != listing.asset:
                    raise ConfigRefused(
                        f"networks.{name}.assets.{listing.asset.symbol}: other decimals than elsewhere; name a scale"
                    )
        return found


def read_config(file: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Raises `ConfigRefused` with one line for everything that can be wrong with a configuration."""
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as failure:
        raise ConfigRefused(f"{file}: {failure.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise ConfigRefused(f"{file}: not TOML: {failure}") from None
    if "start" in written:
        raise ConfigRefused(f"{file}: start: unknown key")
    _override(written, environment)
    try:
        config = Config.model_validate({**written, "start": file.absolute().parent})
    except ValidationError as refused:
        raise ConfigRefused(f"{file}: {_first_line(refused)}") from None
    if (config.signer.config is None) == (config.signer.socket is None):
        raise ConfigRefused(f"{file}: signer: name config or socket, one of them")
    config.assets()
    return config


def _override(written: dict[str, Any], environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        if not name.startswith(PREFIX):
            continue
        *sections, key = name.removeprefix(PREFIX).lower().split("__")
        table: Any = written
        for section in sections:
            table = table.setdefault(section, {}) if isinstance(table, dict) else None
        if not isinstance(table, dict):
            raise ConfigRefused(f"{name}: there is no such section")
        table[key] = _typed(value, table.get(key))


def _typed(value: str, written: object) -> object:
    """A whole number, true and false stay what they are where the file has such or none; everything else is text."""
    if isinstance(written, str):
        return value
    return {"true": True, "false": False}.get(value, int(value) if value.isdigit() else value)


def _first_line(refused: ValidationError) -> str:
    error = refused.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in error["loc"])
    more = f" (and {refused.error_count() - 1} more)" if refused.error_count() > 1 else ""
    message = "unknown key" if error["type"] == "extra_forbidden" else error["msg"]
    return f"{place}: {message}{more}"
