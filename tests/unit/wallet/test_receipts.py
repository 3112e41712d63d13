"""Receipts: the tree is the RFC's, a receipt proves its claim, and nothing of it can be changed (AUD-04, AUD-06)."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.wallet.told import body_of, claim
from wallet.journal import Change, EventKind, Request
from wallet.journal.body import decode_body, time_text
from wallet.journal.receipts import (
    BATCH_LEAVES_MAX,
    JournalKey,
    Receipt,
    ReceiptForged,
    ReceiptMalformed,
    ReceiptOfOtherKey,
    ReceiptRefused,
    SignedBatch,
    Tree,
    body_claim,
    is_signed,
    leaf,
    receipt_view,
    root_of,
    sealed_claim,
    sign_batch,
    signed_message,
    verify_receipt,
)
from wallet.proofs.seals import read_outside as read_body

NOON = datetime(2026, 11, 22, 12, 0, 0, 77, tzinfo=UTC)
KEY, OTHER_KEY = JournalKey.from_seed(bytes(32)), JournalKey.from_seed(bytes([1] * 32))


def hashed(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def payment(number: int) -> Change:
    request = Request("cus_ann", "payment.send", f"key-{number}", hashed(f"digest {number}"))
    data = {"id": f"pay_{number}", "note": "é", "amount": "5"}
    return Change(actor="cus_ann", kind=EventKind.PAYMENT_SENT, data=data, request=request, result=data)


def signed_batch(size: int, key: JournalKey = KEY) -> list[Receipt]:
    claims = [claim(NOON, payment(number)) for number in range(size)]
    hashes = [hashed(f"chain {number}") for number in range(size)]
    tree = Tree([leaf(chain, claim) for chain, claim in zip(hashes, claims, strict=True)])
    batch = SignedBatch(tree, hashes[-1], NOON, key.id, sign_batch(key, hashes[-1], NOON, tree.root))
    return [batch.receipt(number, hashes[number], claims[number]) for number in range(size)]


def rfc_root(leaves: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1 as it is written: split at the largest power of two below the size."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + rfc_root(leaves[:split]) + rfc_root(leaves[split:])).digest()


def rfc_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162 §2.1.3.1."""
    if len(leaves) == 1:
        return []
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    if index < split:
        return [*rfc_path(index, leaves[:split]), rfc_root(leaves[split:])]
    return [*rfc_path(index - split, leaves[split:]), rfc_root(leaves[:split])]


@given(st.integers(1, 300), st.data())
def test_the_tree_is_the_one_of_rfc_9162(size: int, data: st.DataObject) -> None:
    leaves = [hashed(str(number)) for number in range(size)]
    index = data.draw(st.integers(0, size - 1))
    tree = Tree(leaves)
    assert tree.root == rfc_root(leaves)
    assert list(tree.path(index)) == rfc_path(index, leaves)
    assert root_of(leaves[index], index, size, tree.path(index)) == tree.root


def test_a_published_root_of_certificate_transparency() -> None:
    """The reference log's test vector of seven leaves: inner nodes are its own, hash for hash."""
    texts = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
    leaves = [hashlib.sha256(b"\x00" + bytes.fromhex(text)).digest() for text in texts]
    assert Tree(leaves).root.hex() == "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 100])
def test_every_change_of_a_batch_has_a_receipt_that_proves_its_claim(size: int) -> None:
    for number, receipt in enumerate(signed_batch(size)):
        again = Receipt.from_json(receipt.to_json())
        assert again == receipt
        assert verify_receipt(again, KEY.id)["result"] == {"id": f"pay_{number}", "note": "é", "amount": "5"}


def test_the_claim_can_be_made_again_from_the_journal_row() -> None:
    for change in (
        payment(1),
        msgspec.structs.replace(payment(2), result={"other": ["x", 1]}),
        msgspec.structs.replace(payment(3), request=None),
    ):
        record = body_of(change)
        body, parts, told = decode_body(record), read_body(record), claim(NOON, change)
        assert body_claim(NOON, body) == told
        assert sealed_claim(time_text(NOON).encode(), parts.kind, parts.request, parts.data, parts.result) == told


FOUR = signed_batch(4)[1]
CHANGED: dict[str, Callable[[], Receipt]] = {
    "claim": lambda: replace(FOUR, claim=FOUR.claim.replace(b'"amount":"5"', b'"amount":"6"')),
    "a space in the claim": lambda: replace(FOUR, claim=FOUR.claim.replace(b":", b": ", 1)),
    "claim of another": lambda: replace(FOUR, claim=signed_batch(4)[2].claim),
    "chain": lambda: replace(FOUR, chain=hashed("x")),
    "index": lambda: replace(FOUR, index=0),
    "path": lambda: replace(FOUR, path=(FOUR.path[1], FOUR.path[0])),
    "head": lambda: replace(FOUR, head=hashed("x")),
    "signature": lambda: replace(FOUR, signature=FOUR.signature[:-1] + bytes([FOUR.signature[-1] ^ 1])),
    "signature of another batch": lambda: replace(FOUR, signature=signed_batch(5)[1].signature),
    "signature of another key": lambda: replace(signed_batch(4, OTHER_KEY)[1], key=KEY.id),
}


@pytest.mark.parametrize("what", CHANGED)
def test_aud_06_a_receipt_with_one_thing_changed_is_forged(what: str) -> None:
    assert verify_receipt(FOUR, KEY.id)
    with pytest.raises(ReceiptForged):
        verify_receipt(CHANGED[what](), KEY.id)


def test_a_time_that_was_changed_in_both_places_is_forged() -> None:
    later = NOON + timedelta(microseconds=1)
    claim = FOUR.claim.replace(time_text(NOON).encode(), time_text(later).encode())
    with pytest.raises(ReceiptForged):
        verify_receipt(replace(FOUR, at=later, claim=claim), KEY.id)


CONTRADICTIONS: dict[str, Callable[[], Receipt]] = {
    "time": lambda: replace(FOUR, at=NOON + timedelta(microseconds=1)),
    "place": lambda: replace(FOUR, index=4),
    "place below": lambda: replace(FOUR, index=-1),
    "too large": lambda: replace(FOUR, size=10**9),
    "too short": lambda: replace(FOUR, path=FOUR.path[:1]),
    "too long": lambda: replace(FOUR, path=(*FOUR.path, hashed("x"))),
    "no JSON": lambda: replace(FOUR, claim=b"x"),
    "no object": lambda: replace(FOUR, claim=b'["v"]'),
    "no UTF-8": lambda: replace(FOUR, claim=b"\xff"),
    "version": lambda: replace(FOUR, claim=FOUR.claim.replace(b'"v":1', b'"v":2')),
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_a_receipt_that_contradicts_itself_is_malformed(what: str) -> None:
    with pytest.raises(ReceiptMalformed):
        verify_receipt(CONTRADICTIONS[what](), KEY.id)


def test_a_receipt_of_another_key_is_not_taken() -> None:
    with pytest.raises(ReceiptOfOtherKey):
        verify_receipt(FOUR, OTHER_KEY.id)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("chain", value) for value in ("", "zz", "00", "0x" + "0" * 62, "00 " * 32, 7, None)],
        *[("at", value) for value in ("yesterday", "2026-11-22", "2026-11-22T12:00:00.000077", "2026-11-22T12:00:00Z")],
        *[("index", value) for value in ("1", 1.5, None)],
        *[("path", value) for value in ("00", [1], ["00"])],
        *[("signature", value) for value in ("", "00" * 32, "00" * 65)],
        ("surprise", 1),
    ],
)
def test_what_is_no_receipt_is_refused_and_never_crashes(name: str, value: object) -> None:
    fields = {**FOUR.fields(), name: value}
    with pytest.raises(ReceiptMalformed):
        Receipt.from_json(msgspec.json.encode(fields))


def test_what_is_wrong_with_the_text_of_a_receipt_is_said() -> None:
    with pytest.raises(ReceiptMalformed, match=r"^not a receipt: Object contains unknown field `surprise`$"):
        Receipt.from_json(msgspec.json.encode({**FOUR.fields(), "surprise": 1}))


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(noise: bytes) -> None:
    with pytest.raises(ReceiptRefused):
        Receipt.from_json(noise)


def test_aud_04_a_leaf_is_never_an_inner_node_and_no_two_changes_share_one() -> None:
    left, right = hashed("left"), hashed("right")
    assert leaf(left, right) != Tree([left, right]).root
    assert leaf(left, b"ab") != leaf(left, b"a")
    assert leaf(left, b"") != leaf(right, b"")


def test_the_key_does_not_show_its_secret() -> None:
    seed = hashed("seed")
    assert seed.hex() not in repr(JournalKey.from_seed(seed))
    assert "private" not in repr(JournalKey.from_seed(seed)).lower()


def test_a_batch_without_changes_has_no_tree() -> None:
    with pytest.raises(ValueError, match=r"^a batch without Changes has no tree$"):
        Tree([])


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_path_from_a_leaf_that_is_not_there(index: int) -> None:
    tree = Tree([hashed(str(number)) for number in range(3)])
    assert tree.size == 3
    with pytest.raises(IndexError, match=f"^leaf {index} of 3$"):
        tree.path(index)


def test_a_place_beyond_the_largest_batch_leads_nowhere() -> None:
    found = hashed("leaf")
    path = Tree([hashed(str(number)) for number in range(BATCH_LEAVES_MAX)]).path(0)
    assert len(root_of(found, 0, BATCH_LEAVES_MAX, path)) == 32
    for index, size in ((0, BATCH_LEAVES_MAX + 1), (0, 0), (1, 1), (-1, 1)):
        with pytest.raises(ReceiptMalformed, match=f"^not a receipt: place {index} of {size}$"):
            root_of(found, index, size, path)


def test_the_signed_message_has_every_field_at_its_place() -> None:
    head, root = hashed("head"), hashed("root")
    told = b"coffer/head/1" + head + (1_795_348_800_000_077).to_bytes(8, "big") + root
    assert signed_message(head, NOON, root) == told
    assert is_signed(KEY.id, head, NOON, root, KEY.sign(told))


@pytest.mark.parametrize(("head", "root"), [(b"short", hashed("root")), (hashed("head"), b"short")])
def test_only_hashes_are_signed(head: bytes, root: bytes) -> None:
    with pytest.raises(ValueError, match=r"^head and root have 32 bytes each$"):
        signed_message(head, NOON, root)
    assert not is_signed(KEY.id, head, NOON, root, bytes(64))


@pytest.mark.parametrize("name", ["", "zz", "00", KEY.id[:-2], KEY.id + "00"])
def test_a_text_that_is_no_key_has_signed_nothing(name: str) -> None:
    head, root = hashed("head"), hashed("root")
    assert not is_signed(name, head, NOON, root, KEY.sign(signed_message(head, NOON, root)))


def test_a_leaf_is_made_as_it_is_documented() -> None:
    chain, told = hashed("chain"), b"claim"
    assert leaf(chain, told) == hashlib.sha256(b"\x00coffer/receipt/2" + chain + told).digest()


def test_a_claim_says_when_what_which_request_and_what_was_answered() -> None:
    change = payment(7)
    assert change.request is not None
    assert msgspec.json.decode(claim(NOON, change)) == {
        "v": 1,
        "at": "2026-11-22T12:00:00.000077+00:00",
        "kind": "payment.sent",
        "request": ["cus_ann", "payment.send", "key-7", change.request.digest.hex()],
        "result": change.data,
    }
    assert msgspec.json.decode(claim(NOON, msgspec.structs.replace(change, request=None)))["request"] is None


def test_a_receipt_is_shown_as_its_fields_and_none_as_nothing() -> None:
    assert receipt_view(None) is None
    assert receipt_view(FOUR) == FOUR.fields()
    assert FOUR.fields() == {
        "claim": FOUR.claim.decode(),
        "chain": FOUR.chain.hex(),
        "index": 1,
        "size": 4,
        "path": [one.hex() for one in FOUR.path],
        "head": FOUR.head.hex(),
        "at": "2026-11-22T12:00:00.000077+00:00",
        "key": KEY.id,
        "signature": FOUR.signature.hex(),
    }


def test_a_key_is_named_in_either_case() -> None:
    assert verify_receipt(FOUR, KEY.id.upper())["v"] == 1
    told = Receipt.from_json(msgspec.json.encode({**FOUR.fields(), "key": KEY.id.upper()}))
    assert told == FOUR


REASONS: dict[str, tuple[Callable[[], Receipt], str]] = {
    "another key": (
        lambda: signed_batch(4, OTHER_KEY)[1],
        f"the receipt names the key {OTHER_KEY.id}, and not {KEY.id}",
    ),
    "forged": (
        CHANGED["chain"],
        f"the signature of {KEY.id} does not cover this receipt: its claim, place, path, head, time or signature was changed",
    ),
    "short path": (CONTRADICTIONS["too short"], "not a receipt: its path is too short"),
    "long path": (CONTRADICTIONS["too long"], "not a receipt: its path is too long"),
    "no JSON": (CONTRADICTIONS["no JSON"], "not a receipt: its claim is not JSON"),
    "no object": (CONTRADICTIONS["no object"], "not a receipt: its claim is not JSON"),
    "version": (CONTRADICTIONS["version"], "not a receipt: its claim has version 2, and this release knows 1"),
    "time": (CONTRADICTIONS["time"], "not a receipt: its claim has another time"),
}


@pytest.mark.parametrize("what", REASONS)
def test_why_a_receipt_proves_nothing_is_said_in_words(what: str) -> None:
    make, words = REASONS[what]
    with pytest.raises(ReceiptRefused) as refused:
        verify_receipt(make(), KEY.id)
    assert str(refused.value) == words


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("chain", "00", "not a receipt: chain is not 32 bytes in hex"),
        ("head", "zz", "not a receipt: head is not 32 bytes in hex"),
        ("key", "00 " * 32, "not a receipt: key is not 32 bytes in hex"),
        ("path", ["00"], "not a receipt: path is not 32 bytes in hex"),
        ("signature", "00" * 32, "not a receipt: signature is not 64 bytes in hex"),
        ("at", "yesterday", "not a receipt: at is not a time"),
        ("at", "2026-11-22", "not a receipt: at is not a time in UTC with microseconds"),
        ("at", "2026-11-22T13:00:00.000077+01:00", "not a receipt: at is not a time in UTC with microseconds"),
    ],
)
def test_what_is_no_receipt_is_named(name: str, value: object, words: str) -> None:
    with pytest.raises(ReceiptMalformed) as refused:
        Receipt.from_json(msgspec.json.encode({**FOUR.fields(), name: value}))
    assert str(refused.value) == words


def test_the_key_of_a_seed_is_that_of_rfc_8032() -> None:
    """RFC 8032 §7.1, test 1: seed, public key, and the signature of nothing."""
    key = JournalKey.from_seed(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert key.id == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert key.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    with pytest.raises(ValueError, match="32 bytes"):
        JournalKey.from_seed(bytes(31))
