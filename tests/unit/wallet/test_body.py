"""AUD-04: two Changes that differ in one small thing have different bodies, whatever that thing is."""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import replace as replace_item
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from msgspec.structs import replace

from tests.unit.wallet.told import body_of
from wallet.ids import HoldId, VaultItemId
from wallet.journal import Change, EventKind, Insert, Request, Requirement, Update
from wallet.journal.body import (
    decode_body,
    request_digest,
    result_of,
    time_text,
    wire_row,
    written,
)
from wallet.journal.change import FlagChange
from wallet.ledger.accounts import Account, Flags
from wallet.ledger.transfers import Transfer, hold, post, settle
from wallet.money import Amount, Asset
from wallet.vault.items import ItemKind, SealedItem

EUR, USD = Asset("EUR", 2), Asset("USD", 2)
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def accounts(owner: str, asset: Asset = EUR) -> Account:
    return Account(owner, "balance", asset)


ANN, BEN, CEM = accounts("cus_ann"), accounts("cus_ben"), accounts("cus_cem")
HELD = hold(ANN, BEN, Amount(5, EUR), HoldId("hld_one"))
SEALED = SealedItem(VaultItemId("vlt_one"), "cus_ann", ItemKind.NAME, b"sealed", bytes(32))
ROW = {"id": "wdr_one", "units": 5, "state": "final", "final_at": NOON}
WHOLE = Change(
    actor="cus_ann",
    kind=EventKind.PAYMENT_SENT,
    data={"amount": "5"},
    entry=(HELD,),
    requires=(Requirement("assets", "EUR", 1),),
    writes=(Insert("withdrawals", ROW), Update("withdrawals", "wdr_two", 1, {"reason": None, "units": 5})),
    vault=(SEALED,),
    flags=(FlagChange(ANN, Flags.NO_OVERDRAFT),),
    viewers=("cus_ann", "cus_ben"),
    request=Request("cus_ann", "payment.send", "key", b"digest"),
    result={"id": "one"},
)
UPDATE = WHOLE.writes[1]


def entry(*transfers: Transfer) -> Change:
    return replace(WHOLE, entry=transfers)


def insert(**values: object) -> Change:
    return replace(WHOLE, writes=(Insert("withdrawals", {**ROW, **values}), UPDATE))


def update(version: int = 1, values: Mapping[str, object] | None = None) -> Change:
    changed = Update("withdrawals", "wdr_two", version, values or {"reason": None, "units": 5})
    return replace(WHOLE, writes=(WHOLE.writes[0], changed))


def request(**values: object) -> Change:
    assert WHOLE.request is not None
    return replace(WHOLE, request=replace(WHOLE.request, **values))


def sealed(**values: object) -> Change:
    return replace(WHOLE, vault=(replace_item(SEALED, **values),))  # type: ignore[arg-type]


OTHERS = {
    "actor": replace(WHOLE, actor="cus_ben"),
    "kind": replace(WHOLE, kind=EventKind.DEPOSIT_CREDITED),
    "a value": replace(WHOLE, data={"amount": 5}),
    "a key of the data": replace(WHOLE, data={"amount2": "5"}),
    "the amount": entry(hold(ANN, BEN, Amount(6, EUR), HoldId("hld_one"))),
    "the asset": entry(hold(accounts("cus_ann", USD), accounts("cus_ben", USD), Amount(5, USD), HoldId("hld_one"))),
    "the payer": entry(hold(CEM, BEN, Amount(5, EUR), HoldId("hld_one"))),
    "the payee": entry(hold(ANN, CEM, Amount(5, EUR), HoldId("hld_one"))),
    "both turned round": entry(hold(BEN, ANN, Amount(5, EUR), HoldId("hld_one"))),
    "the hold's name": entry(hold(ANN, BEN, Amount(5, EUR), HoldId("hld_two"))),
    "the move": entry(settle(ANN, BEN, Amount(5, EUR), HoldId("hld_one"))),
    "no hold": entry(post(ANN, BEN, Amount(5, EUR))),
    "a transfer more": entry(HELD, HELD),
    "no transfer": entry(),
    "a version that it rests on": replace(WHOLE, requires=(Requirement("assets", "EUR", 2),)),
    "a row that it rests on": replace(WHOLE, requires=(Requirement("assets", "USD", 1),)),
    "the table that it rests on": replace(WHOLE, requires=(Requirement("listings", "EUR", 1),)),
    "a row's id": insert(id="wdr_two"),
    "a row's money": insert(units=6),
    "a row's text": insert(state="failed"),
    "a row's time": insert(final_at=NOON + timedelta(microseconds=1)),
    "nothing for a text": insert(state=None),
    "the word for nothing": insert(state="null"),
    "one column less": replace(WHOLE, writes=(Insert("withdrawals", {"id": "wdr_one"}), UPDATE)),
    "the version that is changed": update(version=2),
    "a changed column": update(values={"state": None, "units": 5}),
    "a changed column less": update(values={"units": 5}),
    "an update for an insert": replace(WHOLE, writes=(Update("withdrawals", "wdr_one", 0, ROW), UPDATE)),
    "the order of writes": replace(WHOLE, writes=(UPDATE, WHOLE.writes[0])),
    "the item": sealed(id=VaultItemId("vlt_two")),
    "whose it is": sealed(person="cus_ben"),
    "what it is": sealed(kind=ItemKind.EMAIL),
    "the commitment": sealed(commitment=b"\1" * 32),
    "the flags": replace(WHOLE, flags=(FlagChange(ANN, Flags.FROZEN),)),
    "whose flags": replace(WHOLE, flags=(FlagChange(BEN, Flags.NO_OVERDRAFT),)),
    "who may see": replace(WHOLE, viewers=("cus_ann",)),
    "two names in one": replace(WHOLE, viewers=("cus_ann,cus_ben",)),
    "the key": request(key="yek"),
    "the owner": request(owner="cus_ben"),
    "the operation": request(operation="payment.sen"),
    "the meaning": request(digest=b"other"),
    "fields that run into each other": request(operation="payment.sendk", key="ey"),
    "no key": replace(WHOLE, request=None),
    "the result": replace(WHOLE, result={"id": "two"}),
}


@pytest.mark.parametrize("what", list(OTHERS))
def test_aud_04_one_small_difference_is_a_different_body(what: str) -> None:
    assert body_of(OTHERS[what]) != body_of(WHOLE)


def test_aud_04_no_two_of_them_are_alike() -> None:
    assert len({body_of(change) for change in (WHOLE, *OTHERS.values())}) == len(OTHERS) + 1


def test_the_sealed_bytes_themselves_are_not_in_the_body() -> None:
    """Erasing them leaves the chain as it is."""
    assert body_of(sealed(ciphertext=b"something else")) == body_of(WHOLE)


def test_the_body_letter_by_letter() -> None:
    assert decode_body(body_of(WHOLE)) == {
        "v": 1,
        "actor": "cus_ann",
        "kind": "payment.sent",
        "data": {"amount": "5"},
        "entry": [["hold", "cus_ann:balance:EUR", "cus_ben:balance:EUR", "EUR", "5", "hld_one"]],
        "requires": [["assets", "EUR", 1]],
        "writes": [
            [
                "insert",
                "withdrawals",
                {
                    "id": "wdr_one",
                    "units": "5",
                    "state": "final",
                    "final_at": "2026-11-22T12:00:00.000000+00:00",
                    "version": 1,
                },
            ],
            ["update", "withdrawals", {"id": "wdr_two", "version": 2, "reason": None, "units": "5"}],
        ],
        "vault": [["vlt_one", "cus_ann", "name", "00" * 32]],
        "flags": [["cus_ann:balance:EUR", 1]],
        "viewers": ["cus_ann", "cus_ben"],
        "request": ["cus_ann", "payment.send", "key", b"digest".hex()],
        "result": {"id": "one"},
    }
    assert body_of(WHOLE).startswith(b'{"actor":"cus_ann","data":{"amount":"5"},"entry":[["hold","cus_ann:balance:EUR"')


def test_a_result_that_is_the_event_itself_is_kept_once() -> None:
    told = decode_body(body_of(replace(WHOLE, result={"amount": "5"}, request=None)))
    assert (told["result"], told["request"]) == (None, None)
    assert result_of(told) == {"amount": "5"}
    assert result_of(decode_body(body_of(WHOLE))) == {"id": "one"}


def test_times_are_in_utc_with_microseconds() -> None:
    assert time_text(NOON) == "2026-11-22T12:00:00.000000+00:00"
    assert time_text(NOON.astimezone(timezone(timedelta(hours=-5)))) == "2026-11-22T12:00:00.000000+00:00"


def test_times_are_in_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    at = NOON.replace(microsecond=1)
    monkeypatch.setenv("TZ", "IST-5:30")
    time.tzset()
    try:
        assert at.astimezone().utcoffset() == timedelta(hours=5, minutes=30), "the machine's zone is as it was"
        for told in (at, at.astimezone(), at.astimezone(timezone(timedelta(hours=-5)))):
            assert time_text(told) == "2026-11-22T12:00:00.000001+00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_columns_are_spelt_by_their_kind() -> None:
    row = {"scopes": ("read", "pay"), "revoked_at": None, "label": "x", "created_at": NOON}
    assert wire_row("api_keys", row) == {
        "scopes": ["read", "pay"],
        "revoked_at": None,
        "label": "x",
        "created_at": "2026-11-22T12:00:00.000000+00:00",
    }
    assert wire_row("submissions", {"signed": b"\x00\xff", "unsigned": b""}) == {"signed": "\\x00ff", "unsigned": "\\x"}
    assert wire_row("withdrawals", {"units": Decimal("1E+30")}) == {"units": "1" + "0" * 30}
    with pytest.raises(KeyError):
        wire_row("nothing", {"id": 1})
    with pytest.raises(KeyError, match="withdrawals has no column a, z"):
        wire_row("withdrawals", {"z": 1, "id": "wdr_one", "a": 1})


@pytest.mark.parametrize(
    ("meaning", "text"),
    [
        ({"b": "1", "a": 2}, '{"a":2,"b":"1"}'),
        ({"note": "é"}, '{"note":"\\u00e9"}'),
        ({"note": 'say "no"'}, '{"note":"say \\"no\\""}'),
        ({"note": "\x7f"}, '{"note":"\x7f"}'),
        ({}, "{}"),
    ],
)
def test_the_digest_of_a_request_is_over_its_canonical_text(meaning: dict[str, object], text: str) -> None:
    assert request_digest(meaning) == hashlib.sha256(b"coffer/request/1" + text.encode("ascii")).digest()


def test_a_write_knows_its_row_wherever_the_id_stands() -> None:
    made = written(["insert", "withdrawals", {"units": "5", "id": "wdr_one", "version": 1}])
    assert (made.verb, made.table, made.row_id) == ("insert", "withdrawals", "wdr_one")
    assert (made.names, made.values) == (("units", "id", "version"), ("5", "wdr_one", 1))
