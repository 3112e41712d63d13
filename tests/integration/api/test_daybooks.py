"""Daybooks over the API: a platform's own, with a digest and a tag, and of no day that is not over."""

import base64
import csv
import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from node.database import Dsns
from tests.fakes.world import World, running_world
from tests.integration.api.client import Client, Reply, serving
from tests.integration.wallet.movements.busy import PLATFORM, STRANGER, be_busy, open_customers
from tests.integration.wallet.statements.travel import day, travelling
from wallet.access.keys import CUSTOMER_SCOPES, OPERATOR_SCOPES, Scope
from wallet.journal.begin_day import begin_day

PATH = "/v1/daybooks/2030-01-01"


@dataclass(frozen=True, slots=True)
class Served:
    anybody: Client
    platform: Client
    stranger: Client
    operator: Client


@pytest.fixture
async def served(dsns: Dsns, tmp_path: Path) -> AsyncIterator[Served]:
    """A node on 2 January 2030 that was busy the day before."""
    async with running_world(dsns, tmp_path) as world:
        await open_customers(world, 3)
        platform = await world.key(PLATFORM, *CUSTOMER_SCOPES, Scope.PLATFORM)
        stranger = await world.key(STRANGER, *CUSTOMER_SCOPES, Scope.PLATFORM)
        operator = await world.key(await world.operator("op"), *OPERATOR_SCOPES)
        async with travelling(world, dsns, "2030-01-01T12:00:00") as (context, clock), serving(context) as client:
            await be_busy(World(context, {}, context.signer), 3, rounds=5)  # type: ignore[arg-type]
            clock.at = day("2030-01-02")
            await begin_day(context)
            yield Served(client, client.as_(platform), client.as_(stranger), client.as_(operator))


def sha256_of(reply: Reply) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(reply.raw).digest()).decode()}:"


async def test_a_daybook_comes_whole_with_its_digest_and_is_not_sent_again_to_who_has_it(served: Served) -> None:
    first = await served.platform.get(PATH)
    assert (first.status, first.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert first.headers["Repr-Digest"] == sha256_of(first)
    assert int(first.headers["Content-Length"]) == len(first.raw) > 1_000
    again = await served.platform.get(PATH)
    assert (again.raw, again.headers["ETag"]) == (first.raw, first.headers["ETag"])
    known = await served.platform.get(PATH, **{"If-None-Match": first.headers["ETag"]})
    assert (known.status, known.raw, known.headers["ETag"]) == (304, b"", first.headers["ETag"])
    other_form = await served.platform.get(f"{PATH}?format=ndjson", **{"If-None-Match": first.headers["ETag"]})
    assert (other_form.status, other_form.headers["Content-Type"]) == (200, "application/x-ndjson; charset=utf-8")
    assert other_form.headers["Repr-Digest"] == sha256_of(other_form)


async def test_i10_a_daybook_is_its_platforms_alone_and_operators(served: Served) -> None:
    own = await served.platform.get(PATH)
    assert (await served.operator.get(f"{PATH}?customer={PLATFORM}")).raw == own.raw
    others = await served.stranger.get(PATH)
    assert others.status == 200
    rows = csv.DictReader(io.StringIO(others.raw.decode(), newline=""))
    assert {row["customer"] for row in rows} == {"", STRANGER}
    assert own.headers["ETag"] != others.headers["ETag"]
    stolen = await served.stranger.get(PATH, **{"If-None-Match": own.headers["ETag"]})
    assert stolen.status == 200
    for name in (PLATFORM, "ref:-0-1"):
        assert (await served.stranger.get(f"{PATH}?customer={name}")).code == "not_found"
    assert (await served.platform.get(f"{PATH}?customer=ref:-0-1")).code == "not_found"
    assert (await served.anybody.get(PATH)).status == 401


async def test_days_that_are_not_over_or_are_none_are_refused(served: Served) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=365 * 50)).date()
    for path in ("/v1/daybooks/2030-01-02", f"/v1/daybooks/{tomorrow}"):
        refused = await served.platform.get(path)
        assert (refused.status, refused.code) == (409, "period_open")
    for path in ("2030-02-30", "9999-12-31", "0000-00-00", "2030-1-1", "today"):
        assert (await served.platform.get(f"/v1/daybooks/{path}")).status == 404
