import itertools

import pytest
from stdnum import iso11649

from chains.sepa.address import INDEX_MAX, check_bic, check_destination, derive, find_references
from tests.unit.chains.sepa.material import IBAN, OTHER_IBAN
from wallet.ports import Branch, Destination

REFERENCE = derive(Branch.DEPOSIT, 42).address


def test_a_reference_is_a_valid_creditor_reference_with_its_path() -> None:
    for branch, index in itertools.product((Branch.DEPOSIT, Branch.HOUSE), (0, 1, 42, INDEX_MAX)):
        derived = derive(branch, index)
        assert iso11649.is_valid(derived.address)
        assert derived.path == f"sepa/{branch}/{index}"
        assert len(derived.address) == 16


def test_branches_and_indexes_never_share_a_reference() -> None:
    made = [derive(branch, index).address for branch in (Branch.DEPOSIT, Branch.HOUSE) for index in range(2000)]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize("index", [-1, INDEX_MAX + 1])
def test_an_index_that_has_no_reference_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match="index"):
        derive(Branch.DEPOSIT, index)


@pytest.mark.parametrize(
    "text",
    [
        REFERENCE,
        f"Invoice 7 {REFERENCE} thanks",
        f"ref:{REFERENCE.lower()}",
        " ".join(itertools.starmap(REFERENCE.__getitem__, ((slice(at, at + 4),) for at in range(0, 16, 4)))),
        f"{REFERENCE[:7]}-{REFERENCE[7:]}2026",
        f"RF{REFERENCE}",
        f"{REFERENCE[:9]}\n{REFERENCE[9:]}",
    ],
)
def test_a_reference_is_found_however_the_payer_groups_it(text: str) -> None:
    assert find_references([text]) == {REFERENCE}


def test_every_single_mistyped_digit_makes_the_reference_invalid() -> None:
    for place in [2, 3, *range(6, 16)]:
        for digit in "0123456789":
            mistyped = REFERENCE[:place] + digit + REFERENCE[place + 1 :]
            assert find_references([mistyped]) == ({REFERENCE} if digit == REFERENCE[place] else set())


def test_every_swap_of_neighbours_makes_the_reference_invalid_or_leaves_it() -> None:
    for place in range(6, 15):
        swapped = REFERENCE[:place] + REFERENCE[place + 1] + REFERENCE[place] + REFERENCE[place + 2 :]
        assert find_references([swapped]) <= {REFERENCE}


def test_two_references_are_both_found_and_foreign_ones_are_not() -> None:
    other = derive(Branch.HOUSE, 7).address
    assert find_references([f"{REFERENCE} and {other}", "RF18539007547034"]) == {REFERENCE, other}


def test_a_reference_is_not_pieced_together_from_two_fields() -> None:
    assert find_references([REFERENCE[:8], REFERENCE[8:]]) == set()


# ── destinations ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("written", ["NL91ABNA0417164300", "nl91 abna 0417 1643 00", " NL91ABNA0417164300 "])
def test_an_iban_becomes_canonical(written: str) -> None:
    assert check_destination(Destination(written, " Ada "), IBAN) == Destination("NL91ABNA0417164300", "Ada")


@pytest.mark.parametrize(
    ("iban", "says"),
    [
        ("", "two letters"),
        ("NL91", "two letters"),
        ("NL91ABNA0417164301", "check digits"),
        ("NL19ABNA0417164300", "check digits"),
        ("NL91ABNA041716430", "length"),
        ("XX91ABNA0417164300", "country"),
        ("NL91-ABNA-0417-1643-00", "two letters"),
        ("NL91ABNA\u00a00417164300", "two letters"),
        ("ＮＬ91ABNA0417164300", "two letters"),
        ("ıL91ABNA0417164300", "two letters"),
        ("BR1500000000000010932840814P2", "single euro payments area"),
        (IBAN, "node itself"),
        (IBAN.lower(), "node itself"),
        ("NL91ABNA0417164300\n", "two letters"),
        ("0x52908400098527886E0F7030069857D2E4169EE7", "two letters"),
    ],
)
def test_an_account_that_cannot_be_paid_is_refused_with_the_reason(iban: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        check_destination(Destination(iban, "Ada"), IBAN)
    assert not iban or iban not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (None, "name is needed"),
        ("", "name is needed"),
        ("   ", "name is needed"),
        ("a" * 71, "at most 70"),
        ("Žofie", '"Ž"'),
        ("Müller", '"ü"'),
        ("A & B", '"&"'),
        ("<b>", '"<"'),
        ("A\x00B", "U\\+0000"),
        ("A\nB", "U\\+000A"),
        ("A\u202eB", "U\\+202E"),
        ("/A", "begin or end"),
        ("A//B", "begin or end"),
    ],
)
def test_a_name_that_sepa_does_not_carry_is_refused_not_changed(name: str | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        check_destination(Destination(OTHER_IBAN, name), IBAN)


def test_the_longest_name_with_every_lawful_sign_is_taken() -> None:
    name = "A/-?:().,'+ 9" + "z" * 57
    assert check_destination(Destination(OTHER_IBAN, name), IBAN).name == name


def test_a_bic_is_checked_and_may_be_missing() -> None:
    assert check_bic("cobadeff") == "COBADEFF"
    assert check_bic(None) is None
    with pytest.raises(ValueError, match="BIC"):
        check_bic("NOPE")
