import importlib
import pkgutil

import pytest

import wallet
from api.errors import RULES, problem_of
from wallet import errors
from wallet.errors import (
    AlreadyExists,
    AssetPaused,
    InsufficientFunds,
    JournalUnavailable,
    OutcomeUnknown,
    Refusal,
    RememberedRefusal,
    Stale,
)
from wallet.money import Amount, Asset
from wallet.ports import NetworkRateLimited, NetworkRejected, NetworkUnreachable

EUR = Asset("EUR", 2)


def all_refusals() -> list[type[Refusal]]:
    for module in pkgutil.walk_packages(wallet.__path__, "wallet."):
        importlib.import_module(module.name)
    found, todo = [], [Refusal]
    while todo:
        children = todo.pop().__subclasses__()
        found += children
        todo += children
    return [refusal for refusal in found if refusal is not RememberedRefusal]


def test_every_refusal_of_the_core_has_a_status() -> None:
    missing = {refusal.code for refusal in all_refusals()} - RULES.keys()
    assert missing == set()
    assert len(all_refusals()) > 12


def test_codes_are_lower_case_words_and_statuses_are_errors() -> None:
    for code, rule in RULES.items():
        assert code == code.lower()
        assert 400 <= rule.status < 600
        assert rule.title[0].isupper()


def test_a_refusal_shows_what_a_program_needs_and_no_account_of_ours() -> None:
    problem = problem_of(InsufficientFunds("cus_x:balance:EUR", Amount(500, EUR), 120))
    assert problem is not None
    assert problem.status == 409
    assert problem.content() == {
        "type": "/problems/insufficient_funds",
        "title": "Insufficient funds",
        "status": 409,
        "code": "insufficient_funds",
        "detail": "5.00 EUR needed, 1.20 EUR available",
        "asset": "EUR",
        "needed": "5.00",
        "available": "1.20",
    }


def test_a_remembered_refusal_reads_as_the_first_one_did() -> None:
    first = InsufficientFunds("cus_x:balance:EUR", Amount(500, EUR), 120)
    again = RememberedRefusal(first.stable_code, first.message, first.detail)
    one, two = problem_of(first), problem_of(again)
    assert one is not None
    assert two is not None
    assert one.content() == two.content()
    assert two.headers["Idempotent-Replayed"] == "true"


def test_a_taken_handle_reads_the_same_whether_judged_or_remembered() -> None:
    judged = AlreadyExists("customers", "handle")
    one = problem_of(errors.HandleTaken("alice"))
    two = problem_of(RememberedRefusal(judged.stable_code, judged.message, judged.detail))
    assert one is not None
    assert two is not None
    assert one.content() == two.content()


def test_why_an_asset_is_paused_is_for_operators() -> None:
    problem = problem_of(AssetPaused("EUR", "canary: our bank account is empty"))
    assert problem is not None
    assert "canary" not in str(problem.content())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutcomeUnknown("canary"), "outcome_unknown"),
        (JournalUnavailable("canary"), "unavailable"),
        (Stale("canary", "x"), "changed_meanwhile"),
        (NetworkUnreachable("canary"), "network_unavailable"),
        (NetworkRateLimited("canary"), "network_unavailable"),
        (NetworkRejected("canary"), "network_unavailable"),
        (ConnectionRefusedError("canary"), "unavailable"),
    ],
)
def test_trouble_in_the_world_is_503_and_tells_nothing_of_it(error: Exception, code: str) -> None:
    problem = problem_of(error)
    assert problem is not None
    assert (problem.code, problem.status) == (code, 503)
    assert problem.headers["Retry-After"]
    assert "canary" not in str(problem.content())


def test_what_is_not_known_is_a_mistake_of_ours() -> None:
    assert problem_of(KeyError("canary")) is None
