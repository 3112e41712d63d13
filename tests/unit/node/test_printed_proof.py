"""What `coffer verify` prints adds up for whoever reads it."""

import pytest

from node.commands.verify import print_proof

JOURNAL = {"seq": 1, "transfers": 0, "rows": 0, "batches": 1, "receipts": 1, "witnessed": 0, "head": "00"}
EURO = {
    "owed": "510.00",
    "house": "0.00",
    "held": "500.00",
    "in_transit": "0.00",
    "receivables": "10.00",
    "difference": "0.00",
}


def test_what_is_owed_to_the_house_stands_beside_what_is_held(capsys: pytest.CaptureFixture[str]) -> None:
    calm = {**EURO, "owed": "500.00", "receivables": "0.00"}
    print_proof({"journal": JOURNAL, "assets": {"EUR": EURO, "USD": calm}}, as_json=False)
    owing, plain = capsys.readouterr().out.splitlines()[-2:]
    assert owing == "    EUR: owed 510.00 + house 0.00, held 500.00 + receivables 10.00: proven"
    assert plain == "    USD: owed 500.00 + house 0.00, held 500.00: proven"
