"""IDM-04: a node is killed at every point that a withdrawal request passes. Its client repeats the request until there is an
answer, which then lasts: one hold, one withdrawal, whatever is asked again of which node."""

import asyncio
import itertools
import json
import signal
from typing import Any

import pytest

from tests.integration.wallet.changes import connected, posted_and_held, proven
from tests.nodes.client import Client
from tests.nodes.pair import NodePair
from tests.scenario.pair.test_at_once import all_at_once

DIES_WITHIN_S = 30.0
RETRIES = 10
PATH = "/v1/withdrawals"
BODY: dict[str, object] = {
    "network": "sepa",
    "asset": "EUR",
    "amount": "7.00",
    "destination": {"address": "DE02120300000000202051", "name": "Bob"},
}
SAMPLE = ("journal.after_commit",)  # each costs two starts of a node
POINTS = (
    "journal.before_write",  # nothing of the key, the hold or the withdrawal is written
    "journal.before_commit",  # all of it is, and not yet durable
    "journal.after_commit",  # it is durable, and nobody knows
    "withdrawal.after_request",  # decided, and the answer has not left
)


def _case(point: str) -> Any:
    return pytest.param(point, marks=() if point in SAMPLE else (pytest.mark.whole,))


@pytest.mark.parametrize("point", [_case(point) for point in POINTS])
async def test_idm_04_killed_at_a_point_of_a_withdrawal_request_there_is_one_lasting_answer(
    pair: NodePair, names: "itertools.count[int]", point: str
) -> None:
    alice, dying = await pair.person(f"alice_{next(names)}", 10_000), pair.other
    await dying.stop()
    await dying.start(pair.http, {"COFFER_CRASH_AT": point})
    key = f"killed-{alice.handle}"
    asking = asyncio.create_task(Client(pair.http, dying.url, alice.secret).make(PATH, BODY, key))
    try:
        assert await dying.died(DIES_WITHIN_S) == -signal.SIGKILL
        await dying.start(pair.http)
        answer = await asking
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    again = await all_at_once(pair, alice, PATH, [BODY] * RETRIES, [key] * RETRIES)
    assert {reply.status for reply in again} == {201}
    assert all(reply.replayed for reply in again)
    assert len({reply.raw for reply in again}) == 1
    assert {**answer, "receipt": None} == {**json.loads(again[0].raw), "receipt": None}
    async with connected(pair.dsns.books) as connection:
        rows = await connection.fetch("SELECT id, hold FROM withdrawals WHERE owner = $1", alice.id)
        holds = await connection.fetch("SELECT id FROM holds WHERE split_part(debit, ':', 1) = $1", alice.id)
    assert [row["id"] for row in rows] == [answer["id"]]
    assert [row["id"] for row in holds] == [rows[0]["hold"]]
    assert await posted_and_held(pair.dsns.books, alice.id) == (10_000, 700)
    await proven(pair.dsns.books)
