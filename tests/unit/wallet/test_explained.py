"""What is set off between a network and the books: by name, and nothing else."""

from collections.abc import Mapping
from typing import Any, cast

import pytest

from wallet.context import Context
from wallet.ids import NetworkId
from wallet.ledger.reconcile import explained_by
from wallet.ports import BlockRef, Network

REF = BlockRef(10, "ten")


class Named:
    """Of a network, what is asked here."""

    id = NetworkId("net")


def submission(**values: object) -> dict[str, Any]:
    row = {"network": "net", "state": "final", "purpose": "withdrawal", "asset": "BTC", "units": 5, "fee_asset": "BTC"}
    return {**row, "fee_paid": 2, "fee_max": 3, "tx": "tx", **values}


SETTLED: dict[str, tuple[dict[str, Any], Mapping[str, int]]] = {
    "a payment": (submission(), {"BTC": -7}),
    "a payment whose fee is of another asset": (submission(asset="DUSD"), {"DUSD": -5, "BTC": -2}),
    "a sweep": (submission(purpose="sweep"), {"BTC": -2}),
    "what died": (submission(state="dead"), {"BTC": -2}),
    "what died and paid nothing": (submission(state="dead", fee_paid=None), {"BTC": 0}),
    "what nobody has sent yet": (submission(state="signed", tx=None), {}),
    "another network's": (submission(network="other"), {}),
}


@pytest.mark.parametrize("what", SETTLED)
async def test_what_was_settled_above_the_block_is_put_back(what: str) -> None:
    row, expected = SETTLED[what]
    found = await explained_by(cast("Context", None), cast("Network", Named()), REF, [], [row])
    assert dict(found) == dict(expected)
