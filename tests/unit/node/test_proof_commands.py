"""Receipts and witnessed heads are checked without a node, a database or a configuration; the exit status is the verdict."""

import json
from datetime import UTC, datetime
from pathlib import Path

from typer.testing import CliRunner

from node.__main__ import app
from tests.unit.wallet.test_receipts import KEY, OTHER_KEY, signed_batch
from wallet.journal.receipts import sign_batch
from wallet.proofs.witness import SignedHead

RUNNER = CliRunner()
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def ran(*arguments: str) -> tuple[int, str]:
    found = RUNNER.invoke(app, arguments)
    return found.exit_code, found.stdout


def test_a_receipt_is_checked_offline_and_says_what_it_proves(tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(signed_batch(5)[3].to_json())
    status, output = ran("receipt", "verify", str(file), "--key", KEY.id, "--json")
    assert status == 0
    assert json.loads(output)["claim"]["result"]["id"] == "pay_3"
    status, output = ran("receipt", "verify", str(file))
    assert (status, "payment.sent at 2026-11-22T12:00:00" in output) == (0, True)


def test_a_receipt_inside_an_answer_of_the_api_is_found(tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    file.write_text(json.dumps({"id": "pay_3", "receipt": signed_batch(5)[3].fields()}))
    assert ran("receipt", "verify", str(file), "--key", KEY.id)[0] == 0


def test_a_receipt_that_proves_nothing_ends_with_status_1(tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    for content, key in (
        (signed_batch(5)[3].to_json().replace("pay_3", "pay_4"), KEY.id),
        (signed_batch(5)[3].to_json(), OTHER_KEY.id),
        ("{}", KEY.id),
        ("", KEY.id),
    ):
        file.write_text(content)
        assert ran("receipt", "verify", str(file), "--key", key)[0] == 1
    assert ran("receipt", "verify", str(tmp_path / "none"))[0] == 1


def test_a_witness_is_checked_alone(tmp_path: Path) -> None:
    file = tmp_path / "witness.log"
    root = bytes(32)
    heads = [
        SignedHead(n, bytes([n] * 32), NOON, root, KEY.id, sign_batch(KEY, bytes([n] * 32), NOON, root)) for n in (1, 2)
    ]
    file.write_text("".join(head.to_line() for head in heads))
    assert ran("witness", "check", str(file), "--key", KEY.id, "--json") == (0, '{"heads": 2}\n')
    assert ran("witness", "check", str(file), "--key", OTHER_KEY.id)[0] == 1
    assert ran("witness", "check", str(file), "--key", OTHER_KEY.id, "--key", KEY.id)[0] == 0
    file.write_text("".join(head.to_line() for head in reversed(heads)))
    assert ran("witness", "check", str(file), "--key", KEY.id)[0] == 1
