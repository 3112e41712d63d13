"""What can happen in a bank: the same thing once as a Change of ours, made by the templates, and once as lines on paper."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hypothesis import strategies as st

from tests.property.wallet.paper import CAP, Line, Mark, Need, Order, Row, Top
from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.journal import Change, EventKind, Insert, Requirement, Update
from wallet.journal.change import Ceiling, FlagChange
from wallet.ledger import accounts, templates
from wallet.ledger.accounts import Flags
from wallet.ledger.transfers import Entry, hold, settle, void
from wallet.money import Amount, Asset

EUR, USD = Asset("EUR", 2), Asset("USD", 2)
PEOPLE, NAMES, ROWS, HANDLES = ("ann", "ben", "cem"), ("one", "two", "three"), ("r1", "r2"), ("h1", "h2")
UNITS = st.one_of(st.integers(1, 120), st.integers(1, 120), st.sampled_from([CAP, CAP - 1, CAP // 2]))
PERSON, NAME, ASSET = st.sampled_from(PEOPLE), st.sampled_from(NAMES), st.sampled_from([EUR, USD])
AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Deed:
    """One thing that happens; what its fields mean depends on `what`."""

    what: str
    who: str
    other: str
    units: int
    fee: int
    name: str
    asset: Asset
    example: int = 0

    @property
    def amount(self) -> Amount:
        return Amount(self.units, self.asset)

    @property
    def fee_amount(self) -> Amount:
        return Amount(self.fee, self.asset)

    @property
    def customer(self) -> CustomerId:
        return self.person(self.who)

    @property
    def network(self) -> NetworkId:
        return NetworkId(f"net{self.example}")

    @property
    def holds(self) -> tuple[HoldId, HoldId]:
        return HoldId(f"hld_{self.example}_{self.name}"), HoldId(f"fee_{self.example}_{self.name}")

    def person(self, name: str) -> CustomerId:
        return CustomerId(f"cus_{self.example}_{name}")

    def at(self, place: str) -> str:
        """An account's name, spelled by hand."""
        return f"house:{place}@{self.network}:{self.asset.symbol}"

    def house(self, code: str) -> str:
        return f"house:{code}:{self.asset.symbol}"

    def of(self, name: str, code: str = "balance") -> str:
        return f"{self.person(name)}:{code}:{self.asset.symbol}"

    def held(self) -> tuple[CustomerId, NetworkId, Amount, Amount, HoldId, HoldId]:
        return self.customer, self.network, self.amount, self.fee_amount, *self.holds


Kind = tuple[Callable[[Deed], Entry], Callable[[Deed], tuple[Line, ...]]]


def _hold_of(d: Deed, make: Callable[..., object]) -> Entry:
    balance, transit = accounts.customer_balance(d.customer, d.asset), accounts.transit(d.network, d.asset)
    return (make(balance, transit, d.amount, d.holds[0]),)  # type: ignore[return-value]


def _promise(d: Deed, what: str, *, fee: bool) -> tuple[Line, ...]:
    principal = Line(what, d.of(d.who), d.at("transit"), d.units, d.holds[0])
    paid = Line(what, d.of(d.who), d.house("fees_earned"), d.fee, d.holds[1])
    return (principal, paid) if fee and d.fee else (principal,)


def _reserved(d: Deed) -> Entry:
    hot = accounts.hot(d.network, d.asset)
    return templates.submission_reserved(hot, d.network, d.amount, d.fee_amount, hot)


def _reserved_lines(d: Deed) -> tuple[Line, ...]:
    value, fee = (Line("moves", d.at("transit"), d.at("hot"), units) for units in (d.units, d.fee))
    return (value, fee) if d.fee else (value,)


def _final_lines(d: Deed) -> tuple[Line, ...]:
    """Of what was set aside (units and fee), the units were paid and the fee comes back."""
    paid = Line("moves", d.house("network_fees"), d.at("transit"), d.units)
    back = Line("moves", d.at("hot"), d.at("transit"), d.fee)
    return (paid, back) if d.fee else (paid,)


def _settled_out(d: Deed) -> Entry:
    return templates.held_leg_settled(
        d.customer, accounts.customer_balance(d.person(d.other), d.asset), d.amount, d.holds[0]
    )


def _fees(d: Deed, name: str) -> accounts.Account:
    return accounts.platform_fees(d.person(name), d.asset)


def _of_clearing(d: Deed, what: str) -> Line:
    return Line(what, d.of(d.who), d.house("clearing"), d.units, d.holds[0])


KINDS: dict[str, Kind] = {
    "deposit": (
        lambda d: templates.deposit_credited(d.customer, d.network, d.amount, swept_later=False),
        lambda d: (Line("moves", d.at("hot"), d.of(d.who), d.units, debt=d.of(d.who, "receivable")),),
    ),
    "deposit_to_sweep": (
        lambda d: templates.deposit_credited(d.customer, d.network, d.amount, swept_later=True),
        lambda d: (Line("moves", d.at("deposits"), d.of(d.who), d.units, debt=d.of(d.who, "receivable")),),
    ),
    "pay": (
        lambda d: templates.payment_sent(d.customer, d.person(d.other), d.amount),
        lambda d: (Line("moves", d.of(d.who), d.of(d.other), d.units),),
    ),
    "hold": (lambda d: _hold_of(d, hold), lambda d: _promise(d, "promises", fee=False)),
    "settle": (lambda d: _hold_of(d, settle), lambda d: _promise(d, "keeps", fee=False)),
    "void": (lambda d: _hold_of(d, void), lambda d: _promise(d, "lifts", fee=False)),
    "ask": (lambda d: templates.withdrawal_requested(*d.held()), lambda d: _promise(d, "promises", fee=True)),
    "release": (lambda d: templates.withdrawal_released(*d.held()), lambda d: _promise(d, "lifts", fee=True)),
    "paid": (lambda d: templates.withdrawal_settled(*d.held()), lambda d: _promise(d, "keeps", fee=True)),
    "reserve": (_reserved, _reserved_lines),
    "final": (
        lambda d: templates.submission_final(
            d.network, Amount(d.units + d.fee, d.asset), d.amount, accounts.hot(d.network, d.asset)
        ),
        _final_lines,
    ),
    "arrive": (
        lambda d: templates.submission_arrived(accounts.hot(d.network, d.asset), d.network, d.amount),
        lambda d: (Line("moves", d.at("hot"), d.at("transit"), d.units),),
    ),
    "fund": (
        lambda d: templates.funding_received(d.network, d.amount),
        lambda d: (Line("moves", d.at("hot"), d.house("capital"), d.units),),
    ),
    "place": (
        lambda d: templates.hold_placed(d.customer, d.amount, d.holds[0]),
        lambda d: (_of_clearing(d, "promises"),),
    ),
    "end": (lambda d: templates.hold_released(d.customer, d.amount, d.holds[0]), lambda d: (_of_clearing(d, "lifts"),)),
    "settle_out": (
        _settled_out,
        lambda d: (_of_clearing(d, "keeps"), Line("moves", d.house("clearing"), d.of(d.other), d.units)),
    ),
    "pay_fee": (
        lambda d: templates.leg_settled(accounts.customer_balance(d.customer, d.asset), _fees(d, d.other), d.amount),
        lambda d: (Line("moves", d.of(d.who), d.of(d.other, "fees"), d.units),),
    ),
    "collect": (
        lambda d: templates.leg_settled(_fees(d, d.who), accounts.customer_balance(d.customer, d.asset), d.amount),
        lambda d: (Line("moves", d.of(d.who, "fees"), d.of(d.who), d.units),),
    ),
    "reverse_pay": (
        lambda d: templates.entry_reversed(templates.payment_sent(d.customer, d.person(d.other), d.amount)),
        lambda d: (Line("moves", d.of(d.other), d.of(d.who), d.units, owed=d.of(d.other, "receivable")),),
    ),
    "reverse_out": (
        lambda d: templates.entry_reversed(_settled_out(d)),
        lambda d: (
            Line("moves", d.of(d.other), d.house("clearing"), d.units, owed=d.of(d.other, "receivable")),
            Line("moves", d.house("clearing"), d.of(d.who), d.units),
        ),
    ),
    "charge_back": (
        lambda d: templates.charged_back(d.customer, accounts.hot(d.network, d.asset), d.amount),
        lambda d: (Line("moves", d.of(d.who), d.at("hot"), d.units, fact=True, owed=d.of(d.who, "receivable")),),
    ),
    "charge_back_at_bank": (
        lambda d: templates.charged_back(d.customer, accounts.suspense(d.asset), d.amount),
        lambda d: (
            Line("moves", d.of(d.who), d.house("suspense"), d.units, fact=True, owed=d.of(d.who, "receivable")),
        ),
    ),
    "lose": (
        lambda d: templates.loss_booked(accounts.hot(d.network, d.asset), d.amount),
        lambda d: (Line("moves", d.house("loss"), d.at("hot"), d.units, fact=True),),
    ),
    "outflow": (
        lambda d: templates.unexplained_outflow(d.network, d.amount),
        lambda d: (Line("moves", d.house("suspense"), d.at("hot"), d.units, fact=True),),
    ),
    "charge": (
        lambda d: templates.bank_charge(d.network, d.amount),
        lambda d: (Line("moves", d.house("network_fees"), d.at("hot"), d.units, fact=True),),
    ),
}


def deeds(*kinds: str) -> st.SearchStrategy[Deed]:
    """Any of these (all, if none is named), between any people; what two people do is done by two."""
    pair = st.permutations(PEOPLE)
    return st.builds(
        lambda what, two, units, fee, name, asset: Deed(what, two[0], two[1], min(units, CAP - fee), fee, name, asset),
        *(st.sampled_from(kinds or tuple(KINDS)), pair, UNITS, st.integers(0, 5), NAME, ASSET),
    )


@dataclass(frozen=True)
class Wish:
    """Some deeds as one Change, with rows that it writes and accounts that it marks. `ceiling` is the most that may lie at
    the places of the network afterwards, in the asset of the first deed."""

    deeds: tuple[Deed, ...]
    ceiling: int | None = None
    needs: tuple[tuple[str, int], ...] = ()
    rows: tuple[tuple[str, int | None, str], ...] = ()
    marks: tuple[tuple[str, Asset, Flags], ...] = ()


_CEILINGS = st.sampled_from([None, None, 0, 50, 200, CAP])
_NEEDS = st.lists(st.tuples(st.sampled_from(ROWS), st.integers(1, 2)), max_size=1).map(tuple)
_ROWS = st.lists(
    st.tuples(st.sampled_from(ROWS), st.sampled_from([None, None, None, 1, 2, 3]), st.sampled_from(HANDLES)), max_size=3
).map(tuple)
_FLAGS = st.sampled_from([Flags.NONE, Flags.NONE, Flags.FROZEN, Flags.CLOSED])
_MARKS = st.lists(st.tuples(PERSON, ASSET, _FLAGS), max_size=1).map(tuple)
WISHES = st.builds(
    Wish, deeds=st.lists(deeds(), max_size=3).map(tuple), ceiling=_CEILINGS, needs=_NEEDS, rows=_ROWS, marks=_MARKS
)
UNDER_CEILINGS = st.builds(
    Wish,
    deeds=st.lists(
        st.deferred(lambda: deeds("deposit", "deposit_to_sweep", "reserve", "fund")), min_size=1, max_size=2
    ).map(tuple),
    ceiling=st.integers(0, 300),
)
ONLY_ROWS = st.builds(Wish, deeds=st.just(()), needs=_NEEDS, rows=_ROWS)
OF_ANN = st.builds(  # small promises of one person, that one could take for another
    lambda what, units, name: Wish((Deed(what, "ann", "ben", units, 0, name, EUR),)),
    *(st.sampled_from(["deposit", "hold", "settle", "void"]), st.integers(1, 4), NAME),
)


def money(*kinds: str) -> st.SearchStrategy[Wish]:
    """Money alone, so that most of it happens."""
    return st.builds(lambda deed: Wish((deed,)), deeds(*kinds))


def in_example(deed: Deed, example: int) -> Deed:
    return replace(deed, asset=asset_of(deed.asset, example), example=example)


def asset_of(asset: Asset, example: int) -> Asset:
    """Examples share one database: each has assets of its own, and so a house of its own."""
    return Asset(f"{asset.symbol}{example}", asset.decimals)


def as_change(wish: Wish, example: int) -> Change:
    entry = tuple(t for deed in wish.deeds for t in KINDS[deed.what][0](in_example(deed, example)))
    writes = tuple(_write(f"cus_{example}_{row}", version, handle, example) for row, version, handle in wish.rows)
    flags = tuple(
        FlagChange(account, account.opening_flags | flag)
        for account, flag in ((_balance(who, asset, example), flag) for who, asset, flag in wish.marks)
    )
    needs = tuple(Requirement("customers", f"cus_{example}_{row}", version) for row, version in wish.needs)
    ceilings = tuple(Ceiling(tuple(places), wish.ceiling or 0) for places in [_places(wish, example)] if places)
    told = {"entry": entry, "requires": needs, "writes": writes, "flags": flags, "ceilings": ceilings}
    return Change("test", EventKind.PAYMENT_SENT, {}, **told)  # type: ignore[arg-type]


def _places(wish: Wish, example: int) -> list[accounts.Account]:
    """Over which the ceiling goes: none without one, or where nothing is done."""
    if wish.ceiling is None or not wish.deeds:
        return []
    deed = in_example(wish.deeds[0], example)
    return [accounts.hot(deed.network, deed.asset), accounts.deposits(deed.network, deed.asset)]


def as_order(wish: Wish, example: int) -> Order:
    return Order(
        tuple(line for deed in wish.deeds for line in KINDS[deed.what][1](in_example(deed, example))),
        tuple(Need(row, version) for row, version in wish.needs),
        tuple(Row(row, version, handle if version is None else "") for row, version, handle in wish.rows),
        tuple(
            Mark(_balance(who, asset, example).id, bool(flag & Flags.FROZEN), bool(flag & Flags.CLOSED))
            for who, asset, flag in wish.marks
        ),
        tuple(Top(tuple(p.id for p in places), wish.ceiling or 0) for places in [_places(wish, example)] if places),
    )


def _balance(who: str, asset: Asset, example: int) -> accounts.Account:
    return accounts.customer_balance(CustomerId(f"cus_{example}_{who}"), asset_of(asset, example))


def _write(row: str, version: int | None, handle: str, example: int) -> Insert | Update:
    if version is not None:
        return Update("customers", row, version, {"name_item": f"{version}"})
    values = {"id": row, "handle": f"{handle}-{example}", "created_at": AT}
    return Insert("customers", values | dict.fromkeys(("name_item", "email_item", "platform", "reference")))
