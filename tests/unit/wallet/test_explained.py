"""What is set off between a network and the books: by name, and nothing else."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from wallet.context import Context
from wallet.ids import NetworkId
from wallet.ledger import reconcile
from wallet.ledger.reconcile import explained_by
from wallet.ports import BlockRef, Network

REF = BlockRef(10, "ten")


class Named:
    """Of a network, what is asked here."""

    id = NetworkId("net")


def submission(**values: object) -> dict[str, Any]:
    row = {"network": "net", "state": "final", "purpose": "withdrawal", "asset": "BTC", "units": 5, "fee_asset": "BTC"}
    return {**row, "fee_paid": 2, "fee_max": 3, "replacements": None, "tx": "tx", **values}


SETTLED: dict[str, tuple[dict[str, Any], Mapping[str, int]]] = {
    "a payment": (submission(), {"BTC": -7}),
    "a payment whose fee is of another asset": (submission(asset="DUSD"), {"DUSD": -5, "BTC": -2}),
    "a sweep": (submission(purpose="sweep"), {"BTC": -2}),
    "what died": (submission(state="dead"), {"BTC": -2}),
    "what died and paid nothing": (submission(state="dead", fee_paid=None), {"BTC": 0}),
    "what a reorg uprooted and nobody has sent again": (submission(state="uprooted", tx=None), {"BTC": -7}),
    "what nobody has sent yet": (submission(state="signed", tx=None), {}),
    "another network's": (submission(network="other"), {}),
}


@pytest.mark.parametrize("what", SETTLED)
async def test_what_was_settled_above_the_block_is_put_back(what: str) -> None:
    row, expected = SETTLED[what]
    found = await explained_by(cast("Context", None), cast("Network", Named()), REF, [], [row])
    assert dict(found) == dict(expected)


def deposit(**values: object) -> dict[str, Any]:
    return {"network": "net", "state": "credited", "height": 11, "asset": "BTC", "units": 5, "reason": None, **values}


DEPOSITS: dict[str, tuple[dict[str, Any], Mapping[str, int]]] = {
    "credited from above the block": (deposit(), {"BTC": 5}),
    "credited from the block": (deposit(height=10), {}),
    "seen in the block and not credited": (deposit(state="confirming", height=10), {"BTC": -5}),
    "seen above the block and not credited": (deposit(state="confirming"), {}),
    "another network's": (deposit(network="other"), {}),
}


@pytest.mark.parametrize("what", DEPOSITS)
async def test_deposits_that_one_side_alone_counts_are_set_off(what: str) -> None:
    row, expected = DEPOSITS[what]
    found = await explained_by(cast("Context", None), cast("Network", Named()), REF, [row], [])
    assert dict(found) == dict(expected)


def test_what_customers_owe_is_ours_and_what_they_have_is_theirs() -> None:
    codes = {"balance": 10, "fees": 2, "receivable": -3, "transit@net": -4, "capital": 5, "hot@net": -10}
    sums = reconcile._sums([{"code": code, "asset": "BTC", "posted": posted} for code, posted in codes.items()])
    assert sums == {
        ("owed", "BTC"): 12,
        ("receivables", "BTC"): 3,
        ("in_transit", "BTC"): 4,
        ("house", "BTC"): 5,
    }
