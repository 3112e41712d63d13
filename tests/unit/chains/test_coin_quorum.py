"""Several mempools of one chain: a payment waits while one of them shows it."""

from collections.abc import Sequence
from typing import Any

import pytest

from chains.quorum.coins import CoinQuorum
from tests.fakes.network import COINS, FakeNetwork
from tests.fakes.provider import FakeProvider
from tests.fakes.world import BTC
from tests.unit.chains.test_quorum import Everybodys
from wallet.ids import NetworkId
from wallet.money import Amount
from wallet.ports import Incoming
from wallet.ports.announcing import Announcing, Departure

ONE, TWO = (Incoming(f"{tx}:0", "an address", Amount(5, BTC), tx, booked=False) for tx in ("one", "two"))


class WithMempool(FakeProvider):
    def __init__(self, truth: FakeNetwork) -> None:
        super().__init__(truth)
        self.waiting: tuple[Incoming, ...] = ()
        self.left: dict[str, Departure | None] = {}

    async def announced(self) -> Sequence[Incoming]:
        return self.waiting

    async def departure(self, tx: str) -> Departure | None:
        return self.left[tx]


@pytest.fixture
def members() -> list[WithMempool]:
    truth = FakeNetwork(NetworkId("bitcoin"), (BTC,), Everybodys(), capabilities=COINS)
    truth.mine(2)
    return [WithMempool(truth) for _ in range(3)]


def quorum_of(members: Sequence[WithMempool]) -> CoinQuorum:
    named: Any = {f"{name}.example": member for name, member in zip("abc", members, strict=True)}
    made = CoinQuorum(named, 2)
    assert isinstance(made, Announcing)
    return made


async def test_what_any_of_them_shows_waits_once(members: list[WithMempool]) -> None:
    members[0].waiting, members[2].waiting = (ONE,), (ONE, TWO)
    assert set(await quorum_of(members).announced()) == {ONE, TWO}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((Departure.DROPPED, None, Departure.REPLACED), None),
        ((Departure.DROPPED, Departure.REPLACED, Departure.DROPPED), Departure.REPLACED),
        ((Departure.DROPPED, Departure.REPLACED, Departure.CONFLICTED), Departure.CONFLICTED),
        ((Departure.DROPPED,) * 3, Departure.DROPPED),
    ],
)
async def test_a_payment_is_gone_when_none_of_them_has_it(
    members: list[WithMempool], told: tuple[Departure | None, ...], expected: Departure | None
) -> None:
    for member, one in zip(members, told, strict=True):
        member.left["one"] = one
    assert await quorum_of(members).departure("one") is expected
