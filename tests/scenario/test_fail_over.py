"""CRS-08 as an operator meets it: node processes on a primary and a standby that missed the end of the journal."""

import secrets
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from node.database import Dsns
from node.processes import attempts
from tests.integration.faults.test_standby import Pair, both_hosts, running_servers
from tests.nodes.pair import ApiProcess, NodePair, Person, running_pair

ENDS_WITHIN_S = 60.0
IBAN = "DE02120300000000202051"


@pytest.mark.whole
async def test_crs_08_a_node_whose_standby_missed_the_end_stops_and_starts_again_with_every_asset_paused(
    tmp_path: Path,
) -> None:
    async with running_servers(tmp_path) as servers:
        given = moved(servers)
        async with running_pair(given, tmp_path / "nodes") as pair:
            alice, bob = await pair.person("alice", 10_000), await pair.person("bob")
            await servers.in_step()
            await servers.stop_streaming()
            await pay(pair, pair.one, alice, bob)
            await servers.primary.kill()
            await servers.promote()
            status, _ = await ask(pair, pair.one, alice, "/v1/payments", payment(bob))
            assert status in {503, None}
            await ended(pair.one)
            assert "which it had confirmed at" in log_of(pair.one)
            await pair.one.start(pair.http)
            assert "every asset is paused" in log_of(pair.one)
            for path, body in (("/v1/payments", payment(bob)), ("/v1/withdrawals", withdrawal())):
                assert await ask(pair, pair.one, alice, path, body) == (409, "asset_paused")
        connection = await asyncpg.connect(servers.standby.dsns.books)
        assert await connection.fetchval("SELECT count(*) FROM withdrawals") == 0
        await connection.close()


def moved(servers: Pair) -> Dsns:
    primary = servers.primary.dsns
    return Dsns(*(both_hosts(servers, dsn) for dsn in (primary.owner, primary.books, primary.ops)))


def payment(payee: Person) -> dict[str, object]:
    return {"to": f"@{payee.handle}", "asset": "EUR", "amount": "1.00"}


def withdrawal() -> dict[str, object]:
    return {"network": "sepa", "asset": "EUR", "amount": "1.00", "destination": {"address": IBAN, "name": "Bob"}}


async def pay(pair: NodePair, node: ApiProcess, payer: Person, payee: Person) -> None:
    assert await ask(pair, node, payer, "/v1/payments", payment(payee)) == (201, None)


async def ask(
    pair: NodePair, node: ApiProcess, person: Person, path: str, body: dict[str, object]
) -> tuple[int | None, str | None]:
    """Status and code; None where nobody answers any more."""
    headers = {"Authorization": f"Bearer {person.secret}", "Idempotency-Key": secrets.token_hex(8)}
    try:
        async with pair.http.post(node.url + path, json=body, headers=headers) as answer:
            return answer.status, (await answer.json(content_type=None)).get("code")
    except aiohttp.ClientError:
        return None, None


async def ended(node: ApiProcess) -> None:
    async for _ in attempts(ENDS_WITHIN_S):
        if not node.running():
            return
    raise AssertionError("it goes on")


def log_of(node: ApiProcess) -> str:
    return node.config_file.with_name(f"{node.name}.log").read_text(encoding="utf-8")
