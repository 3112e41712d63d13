"""The tables as the core reads them, and the shapes of the rows that Changes write.

The schema itself is made by `node/migrations`; a test holds the two together. `ROWS` names the tables that Changes may
write: each has a text `id` and a `version` that counts its changes, and is rebuilt from the journal by `verify`.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()


class Units(TypeDecorator[int]):
    """Whole base units: NUMERIC without decimals in the database, int in Python, never a Decimal."""

    impl = Numeric(78, 0)
    cache_ok = True

    def process_result_value(self, value: Any, _dialect: Dialect) -> int | None:
        return None if value is None else int(value)


def _text(*names: str) -> list[Column[str]]:
    return [Column(name, Text) for name in names]


def _money(name: str) -> Column[Any]:
    return Column(name, Units)


def _time(name: str) -> Column[Any]:
    return Column(name, DateTime(timezone=True))


def _row_table(name: str, *columns: Column[Any]) -> Table:
    return Table(name, metadata, Column("id", Text, primary_key=True), Column("version", Integer), *columns)


journal_head = Table(
    "journal_head",
    metadata,
    Column("one", Boolean, primary_key=True),
    Column("seq", BigInteger),
    Column("hash", LargeBinary),
    _time("at"),
    Column("fence", BigInteger),
)
journal = Table(
    "journal",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    _time("at"),
    *_text("kind", "actor"),
    Column("body", LargeBinary),
    Column("hash", LargeBinary),
)
journal_batches = Table(
    "journal_batches",
    metadata,
    Column("last_seq", BigInteger, primary_key=True),
    Column("first_seq", BigInteger),
    _time("at"),
    Column("root", LargeBinary),
    Column("key", Text),
    Column("signature", LargeBinary),
)
journal_viewers = Table(
    "journal_viewers",
    metadata,
    Column("viewer", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
)
transfers = Table(
    "transfers",
    metadata,
    Column("seq", BigInteger, primary_key=True),
    Column("ordinal", SmallInteger, primary_key=True),
    *_text("move", "debit_account", "credit_account", "asset"),
    _money("units"),
    Column("hold", Text),
    Column("debit_posted_after", Units),
    _money("debit_held_after"),
    Column("credit_posted_after", Units),
    _money("credit_held_after"),
)
requests = Table(
    "requests",
    metadata,
    Column("day", Date, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("operation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("digest", LargeBinary),
    Column("seq", BigInteger),
    Column("refusal", JSONB),
)
accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("owner", "code", "asset"),
    *[_money(name) for name in ("debits_pending", "debits_posted", "credits_pending", "credits_posted")],
    Column("flags", Integer),
)
holds = Table(
    "holds",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("debit", "credit", "asset"),
    _money("units"),
    _money("remaining"),
)
vault_items = Table(
    "vault_items",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("person", "kind"),
    Column("commitment", LargeBinary),
    Column("ciphertext", LargeBinary),
)

assets = _row_table("assets", Column("decimals", Integer), Column("paused", Boolean), Column("pause_reason", Text))
networks = _row_table(
    "networks", *_text("kind", "identity", "public_keys", "halt_reason"), Column("start_height", BigInteger)
)
listings = _row_table(
    "listings",
    *_text("network", "asset", "contract", "code_hash", "implementation", "implementation_hash", "suspended"),
    Column("decimals", Integer),
    *[_money(name) for name in ("deposit_min_units", "withdrawal_min_units", "sweep_min_units")],
)
operators = _row_table("operators", Column("handle", Text), _time("created_at"))
customers = _row_table(
    "customers",
    *_text("handle", "name_item", "email_item", "platform", "reference"),
    _time("created_at"),
    _time("closed_at"),
)
api_keys = _row_table(
    "api_keys",
    *_text("owner", "hash", "label", "made_by"),
    Column("scopes", ARRAY(Text)),
    _time("created_at"),
    _time("revoked_at"),
)
derivations = _row_table("derivations", Column("next", Integer))
addresses = _row_table(
    "addresses",
    *_text("network", "address", "path", "owner", "label", "first_of", "kind"),
    _time("created_at"),
    Column("position", BigInteger, Identity(always=True)),
)
deposits = _row_table(
    "deposits",
    *_text(
        "network", "identity", "asset", "address", "owner", "state", "reason", "tx", "block", "party_item", "swept_by"
    ),
    *_text("returns"),
    _money("units"),
    Column("height", BigInteger),
    Column("confirmations_min", BigInteger),
    _time("created_at"),
    _time("credited_at"),
)
withdrawals = _row_table(
    "withdrawals",
    *_text("owner", "network", "asset", "destination", "destination_item", "state", "reason", "hold", "fee_hold"),
    *_text("client_reference", "platform", "fee", "payment", "returned_by"),
    *_text("requested_by", "mark"),
    Column("approvals_missing", BigInteger),
    _money("units"),
    _money("fee_units"),
    _time("created_at"),
    _time("final_at"),
)
safeguards = _row_table(
    "safeguards",
    *[Column(name, JSONB) for name in ("rules", "loosening", "limits")],
    *[_time(name) for name in ("delay_since", "loosens_at")],
    *[Column(name, BigInteger) for name in ("loosening_s", "exits")],
)
saved_destinations = _row_table(
    "saved_destinations",
    *_text("owner", "network", "mark", "destination", "destination_item", "label"),
    _time("saved_at"),
    _time("usable_at"),
    _time("removed_at"),
)
approval_keys = _row_table("approval_keys", *_text("operator", "proposal"), _time("created_at"), _time("revoked_at"))
policies = _row_table(
    "policies", *_text("body", "proposal"), Column("number", BigInteger), _time("created_at"), _time("ended_at")
)
outflow_tallies = _row_table("outflow_tallies", Column("requests", BigInteger))
demands = _row_table(
    "demands",
    Column("needed", BigInteger),
    Column("because", ARRAY(Text)),
    Column("not_by", ARRAY(Text)),
    Column("outcome", Text),
    Column("approvals", JSONB),
    _time("created_at"),
)
submissions = _row_table(
    "submissions",
    *_text("network", "purpose", "state", "asset", "fee_asset", "source", "target", "unsigned_item", "signed_item"),
    *_text("tx", "block", "reason", "verdict"),
    *[_money(name) for name in ("units", "fee_max", "fee_paid")],
    Column("paths", ARRAY(Text)),
    Column("consumes", ARRAY(Text)),
    Column("unsigned", LargeBinary),
    Column("signed", LargeBinary),
    Column("change", JSONB),
    Column("height", BigInteger),
    _time("created_at"),
    Column("replacements", BigInteger),  # how many there are, so that most are never looked for; none is null
    Column("mined", Text),  # the tx that a block shows, where that is another one than `tx`
    Column("urged", Boolean),  # an operator wants a higher fee now
)
replacements = _row_table(
    "replacements",
    *_text("submission", "purpose", "state", "tx", "reason"),
    _money("fee_max"),
    Column("number", BigInteger),
    Column("unsigned", LargeBinary),
    Column("signed", LargeBinary),
    Column("change", JSONB),
    _time("created_at"),
)
submission_withdrawals = _row_table("submission_withdrawals", *_text("submission", "withdrawal"))
reservations = _row_table("reservations", Column("submission", Text))
hot_rotations = _row_table(
    "hot_rotations",
    *_text("network", "previous", "address", "path", "reason"),
    _time("created_at"),
    _time("emptied_at"),
)
address_certificates = _row_table(
    "address_certificates",
    Column("first_position", BigInteger),
    Column("last_position", BigInteger),
    Column("leaves", LargeBinary),
    *_text("key", "signature"),
    _time("at"),
)
nonces = _row_table("nonces", Column("next", BigInteger))
utxos = _row_table("utxos", *_text("network", "address", "path", "state"), _money("units"))
statements = _row_table(
    "statements",
    *_text("network", "digest", "file_item"),
    Column("height", BigInteger),
    Column("facts", JSONB),
    _time("created_at"),
)
payments = _row_table(
    "payments", *_text("payer", "payee", "asset", "note_item", "client_reference"), _money("units"), _time("created_at")
)
placed_holds = _row_table(
    "placed_holds",
    *_text("platform", "owner", "asset", "state", "client_reference"),
    _money("units"),
    _money("settled_units"),
    _time("expires_at"),
    _time("created_at"),
    _time("ended_at"),
)
settlements = _row_table(
    "settlements", *_text("platform", "client_reference"), Column("legs", JSONB), _time("created_at")
)
reversals = _row_table("reversals", *_text("object", "reason"), _time("created_at"))
observations = _row_table(
    "observations", *_text("network", "asset", "block"), _money("units"), Column("height", BigInteger), _time("at")
)
breaks = _row_table(
    "breaks",
    *_text("network", "asset", "reason", "state", "resolution"),
    _money("units"),
    _time("created_at"),
    _time("resolved_at"),
)
strays = _row_table(
    "strays",
    *_text("network", "identity", "address", "owner", "contract", "symbol", "reason", "state", "tx", "block"),
    *_text("proposal", "submission"),
    _money("units"),
    Column("decimals", Integer),
    Column("height", BigInteger),
    _time("created_at"),
)
proposals = _row_table(
    "proposals",
    *_text("kind", "subject", "digest", "reason", "proposer", "state", "outcome"),
    *[Column(name, JSONB) for name in ("content", "approvals", "signatures")],
    *[_time(name) for name in ("created_at", "expires_at", "ended_at")],
)
payout_contracts = _row_table(
    "payout_contracts",
    *_text("contract", "code_hash", "state", "reason", "submission"),
    Column("assets", ARRAY(Text)),
    _time("created_at"),
)
retentions = _row_table("retentions", _time("forgotten_before"))
archives = _row_table(
    "archives",
    Column("first_seq", BigInteger),
    Column("last_seq", BigInteger),
    *_text("head", "digest"),
    _time("created_at"),
)
journal_keys = _row_table("journal_keys", _time("created_at"))

ROWS: dict[str, Table] = {
    table.name: table
    for table in (
        assets,
        networks,
        listings,
        operators,
        customers,
        api_keys,
        derivations,
        addresses,
        deposits,
        withdrawals,
        safeguards,
        saved_destinations,
        approval_keys,
        demands,
        policies,
        outflow_tallies,
        submissions,
        submission_withdrawals,
        replacements,
        payout_contracts,
        reservations,
        hot_rotations,
        address_certificates,
        nonces,
        utxos,
        statements,
        payments,
        placed_holds,
        settlements,
        reversals,
        observations,
        breaks,
        strays,
        proposals,
        retentions,
        archives,
        journal_keys,
    )
}


def written_columns(table: Table) -> tuple[Column[Any], ...]:
    """What a Change writes of a row, and `verify` compares: all but what the database counts by itself."""
    return tuple(column for column in table.columns if column.identity is None)


DRAWN_IDS = frozenset({"payments"})
"""Tables that get a row with a random id a thousand times in a batch: nobody looks first whether there is one."""

UNIQUE: dict[str, tuple[tuple[str, ...], ...]] = {
    "operators": (("handle",),),
    "customers": (("handle",), ("platform", "reference")),
    "api_keys": (("hash",),),
    "addresses": (("network", "address"), ("first_of",)),
    "deposits": (("network", "identity"),),
    "statements": (("network", "height"),),
    "payments": (("payer", "client_reference"),),
    "withdrawals": (("owner", "client_reference"),),
    "saved_destinations": (("owner", "network", "mark"),),
    "placed_holds": (("platform", "client_reference"),),
    "settlements": (("platform", "client_reference"),),
    "reversals": (("object",),),
    "strays": (("network", "identity"),),
}
"""What must be unique beside the id. The Journal judges it before it writes, so that a taken handle is a refusal of one
Change and never an error of the whole batch. These columns are never updated."""

scan_cursors = Table(
    "scan_cursors",
    metadata,
    Column("network", Text, primary_key=True),
    Column("height", BigInteger),
    Column("block", Text),
)
scanned_blocks = Table(
    "scanned_blocks",
    metadata,
    Column("network", Text, primary_key=True),
    Column("height", BigInteger, primary_key=True),
    Column("block", Text),
)
leases = Table("leases", metadata, Column("name", Text, primary_key=True), Column("holder", Text), _time("expires"))
notices = Table(
    "notices",
    metadata,
    Column("id", Text, primary_key=True),
    *_text("source", "subject", "state", "reason"),
    _time("at"),
)
network_views = Table(
    "network_views",
    metadata,
    Column("network", Text, primary_key=True),
    Column("tip", BigInteger),
    Column("final", BigInteger),
    _time("seen_at"),
    Column("error", Text),
    *[Column(name, BigInteger) for name in ("final_highest", "final_highest_tip")],
)
growth_passes = Table(
    "growth_passes",
    metadata,
    Column("network", Text, primary_key=True),
    *[Column(name, BigInteger) for name in ("height_from", "height_begun", "height")],
    *_text("block", "last", "seen_to"),
    Column("done", Boolean),
)
network_progress = Table(
    "network_progress",
    metadata,
    Column("network", Text, primary_key=True),
    Column("scanned", BigInteger),
    _time("block_at"),
    Column("blocks_per_minute", BigInteger),
    Column("head", BigInteger),
    _time("head_at"),
    Column("providers", JSONB),
)
payout_waits = Table(
    "payout_waits",
    metadata,
    Column("network", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    *_text("reason"),
    _time("since"),
)
stray_counts = Table(
    "stray_counts",
    metadata,
    *[Column(name, Text, primary_key=True) for name in ("network", "owner")],
    Column("day", Date, primary_key=True),
    *[Column(name, BigInteger) for name in ("beyond", "height")],
)
reconciliations = Table(
    "reconciliations",
    metadata,
    Column("network", Text, primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("height", BigInteger),
    Column("difference", Units),
    _time("proven_at"),
    _time("tried_at"),
    Column("error", Text),
)
