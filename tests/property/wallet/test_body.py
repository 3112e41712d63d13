"""AUD-04: no two Changes share an encoding, and no two journal rows share what their hash is taken over."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wallet.ids import HoldId, VaultItemId
from wallet.journal import Change, EventKind, Insert, Request, Requirement, Update
from wallet.journal.body import decode_body, encode_body, request_digest, wire_write
from wallet.journal.chain import link
from wallet.journal.change import FlagChange
from wallet.ledger.accounts import Account, Flags
from wallet.ledger.transfers import Move, Transfer
from wallet.money import Amount, Asset
from wallet.vault.items import ItemKind, SealedItem

EUR = Asset("EUR", 2)
# Few and treacherous: what one field ends with, another could begin with.
TEXT = st.sampled_from(
    ["", "a", "ab", "b", '"', '","', "[", "]", "{}", "\\", "\\x61", "null", "0", "1", "\u00e9", "e\u0301"]
)
VALUE = st.one_of(TEXT, st.none(), st.integers(0, 2), st.lists(TEXT, max_size=2))
OWNER = st.sampled_from(["house", "cus_a", "cus_ab"])
ACCOUNT = st.builds(Account, OWNER, st.sampled_from(["balance", "hot@a", "hot@ab"]), st.just(EUR))
AT = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 0, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis takes naive bounds)


@st.composite
def transfers(draw: st.DrawFn) -> Transfer:
    debit, credit = draw(ACCOUNT), draw(ACCOUNT)
    assume(debit.id != credit.id)
    move = draw(st.sampled_from(list(Move)))
    hold = None if move is Move.POST else HoldId(draw(TEXT))
    return Transfer(move, debit, credit, Amount(draw(st.integers(1, 3)), EUR), hold)


INSERT = st.builds(
    lambda name, reason: Insert("assets", {"id": name, "decimals": 2, "paused": False, "pause_reason": reason}),
    TEXT,
    st.one_of(TEXT, st.none()),
)
UPDATE = st.builds(
    lambda name, version, values: Update("withdrawals", name, version, values),
    TEXT,
    st.integers(1, 2),
    st.fixed_dictionaries({}, optional={"units": st.integers(0, 2), "reason": TEXT, "state": TEXT, "final_at": AT}),
)
SEALED = st.builds(
    lambda item, person, kind, commitment: SealedItem(VaultItemId(item), person, kind, b"", commitment),
    *(TEXT, TEXT, st.sampled_from(list(ItemKind)), st.sampled_from([bytes(32), b"\1" * 32])),
)


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=2).map(tuple)


CHANGES = st.builds(
    Change,
    actor=TEXT,
    kind=st.sampled_from([EventKind.PAYMENT_SENT, EventKind.DEPOSIT_CREDITED]),
    data=st.dictionaries(TEXT, VALUE, max_size=2),
    entry=some(transfers()),
    requires=some(st.builds(Requirement, TEXT, TEXT, st.integers(1, 2))),
    writes=some(st.one_of(INSERT, UPDATE)),
    vault=some(SEALED),
    flags=some(st.builds(FlagChange, ACCOUNT, st.sampled_from([Flags.NONE, Flags.FROZEN]))),
    viewers=some(TEXT),
    request=st.one_of(st.none(), st.builds(Request, TEXT, TEXT, TEXT, st.sampled_from([b"", b"a"]))),
    result=st.dictionaries(TEXT, VALUE, max_size=1),
)
FIELDS = ("actor", "kind", "data", "entry", "requires", "writes", "vault", "flags", "viewers", "request", "result")


def body(change: Change) -> bytes:
    return encode_body(change, [wire_write(write) for write in change.writes], change.entry).whole


@given(CHANGES, CHANGES, st.sampled_from(FIELDS))
@settings(max_examples=300)
def test_aud_04_changes_that_differ_in_one_field_have_different_bodies(one: Change, other: Change, field: str) -> None:
    """A Change, and the same with one field of another: the pairs that an ambiguous encoding would confuse."""
    values = {name: getattr(one, name) for name in FIELDS}
    mixed = Change(**{**values, field: getattr(other, field)})
    assume(mixed != one)
    assert body(mixed) != body(one)


@given(st.lists(CHANGES, min_size=2, max_size=12))
def test_aud_04_different_changes_have_different_bodies(changes: list[Change]) -> None:
    bodies = [body(change) for change in changes]
    for n, change in enumerate(changes):
        assert [bodies[n] == each for each in bodies] == [change == each for each in changes]


@given(CHANGES)
def test_a_body_has_one_spelling(change: Change) -> None:
    turned = Change(
        **{**{name: getattr(change, name) for name in FIELDS}, "data": dict(reversed(list(change.data.items())))}
    )
    assert body(turned) == body(change)
    assert decode_body(body(change))["data"] == dict(change.data)


ROWS = st.tuples(
    st.sampled_from([bytes(32), b"\1" + bytes(31)]),
    st.integers(1, 3),
    AT,
    st.sampled_from([b"", b"\0", b"\0" * 8, b"{}"]),
)


@given(ROWS, ROWS)
@settings(max_examples=300)
def test_aud_04_rows_that_differ_anywhere_have_different_hashes(one: Any, other: Any) -> None:
    assert (link(*one) == link(*other)) == (one == other)


@given(st.dictionaries(TEXT, VALUE, max_size=3), st.dictionaries(TEXT, VALUE, max_size=3))
def test_requests_have_one_digest_if_and_only_if_they_mean_the_same(one: Any, other: Any) -> None:
    assert (request_digest(one) == request_digest(other)) == (one == other)
