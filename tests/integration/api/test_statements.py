"""Statements over the API: in three forms, for whose they are, and harmless to open."""

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from tests.integration.api.client import Reply
from tests.integration.api.conftest import ApiNode, Person
from tests.integration.api.test_exports import rows_of
from tests.integration.api.test_platforms import fed, moved
from wallet.access.keys import CUSTOMER_SCOPES

EVER = "asset=EUR&from=2020-01-01"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def asked(person: Person, query: str) -> Reply:
    return await person.client.get(f"/v1/statements?{query}")


async def test_a_statement_tells_both_ends_and_what_lies_between(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="100.00"), await api_node.person()
    middle = now()
    content = {"to": f"@{bob.handle}", "asset": "EUR", "amount": "30.00"}
    payment = (await alice.client.post("/v1/payments", content, key="p")).body["id"]
    reply = await asked(alice, f"asset=EUR&from={middle}&to={now()}")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    told = reply.body
    assert (told["customer"], told["account"], told["asset"]) == (alice.id, "balance", "EUR")
    assert (told["opening"]["posted"], told["closing"]) == (
        "100.00",
        {"posted": "70.00", "held": "0.00", "available": "70.00"},
    )
    (movement,) = told["movements"]
    assert movement["counterparty"] == bob.id
    assert {movement["kind"], movement["object"], movement["direction"], movement["amount"]} == {
        "payment.sent",
        payment,
        "out",
        "30.00",
    }
    assert (told["count"], told["total_in"], told["total_out"]) == (1, "0.00", "30.00")


async def test_final_is_said_only_of_what_can_not_change(api_node: ApiNode) -> None:
    alice = await api_node.person(EUR="1.00", BTC="1")
    ends = {row["asset"]: row["at"].replace("+00:00", "Z") for row in await rows_of(alice.client)}
    closed = await asked(alice, f"{EVER}&to={ends['BTC']}")
    assert (closed.body["final"], closed.body["closing"]["posted"]) == (True, "1.00")
    assert (await asked(alice, f"{EVER}&to={now()}")).body["final"] is False
    later = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for end, code in ((later, "moment_to_come"), ("2106-02-08", "moment_to_come"), ("2019-01-01", "period_refused")):
        refused = await asked(alice, f"{EVER}&to={end}")
        assert (refused.status, refused.code) == (400, code)
        assert refused.body.get("field") == ("to" if code == "moment_to_come" else None)
    unread = await asked(alice, "asset=EUR&from=yesterday&to=2020-01-02")
    assert unread.body["field"] == "from"
    assert unread.body["detail"].startswith("a moment is RFC 3339")
    await api_node.person(EUR="1.00")
    assert (await asked(alice, f"{EVER}&to={ends['BTC']}")).raw == closed.raw


@pytest.mark.parametrize(
    "missing", ["asset=EUR&from=2020-01-01", "asset=EUR&to=2020-01-01", "from=2020-01-01&to=2020-01-02"]
)
async def test_asset_and_both_ends_are_named(api_node: ApiNode, missing: str) -> None:
    assert (await asked(await api_node.person(), missing)).code == "invalid_request"


async def test_i10_statements_are_their_owners_their_platforms_and_operators(api_node: ApiNode) -> None:
    platform, other, customer = await api_node.platform(), await api_node.platform(), await api_node.person()
    ann = await fed(api_node, platform, "ann", "EUR", "100.00")
    await platform.client.post("/v1/payments", moved("ref:ann", platform.id, "40.00"), key="m")
    end = now()
    for form in ("json", "csv", "html"):
        found = [
            (await client.get(f"/v1/statements?{EVER}&to={end}&customer={name}&format={form}")).raw
            for client, name in (
                (platform.client, "ref:ann"),
                (platform.client, ann),
                (api_node.operator, ann),
            )
        ]
        assert len(set(found)) == 1
        assert b"60.00" in found[0]
        narrow = api_node.anybody.as_(await api_node.world.key(platform.id, *CUSTOMER_SCOPES))
        for stranger in (other.client, customer.client, narrow):
            for name in (ann, "ref:ann"):
                refused = await stranger.get(f"/v1/statements?{EVER}&to={end}&customer={name}&format={form}")
                assert (refused.status, refused.code) == (404, "not_found")
    assert (await api_node.anybody.get(f"/v1/statements?{EVER}&to={end}")).status == 401


class Page(HTMLParser):
    """What a browser would take the page for: its elements and its texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


async def test_api_06_the_printed_page_shows_hostile_names_and_runs_and_loads_nothing(api_node: ApiNode) -> None:
    name = '=1+1<script>alert(1)</script><img src=x onerror="alert(2)">\'"&amp;{{ 7 * 7 }}'
    owner = await api_node.world.customer(f"hostile_{datetime.now(UTC).strftime('%H%M%S%f')}", name=name)
    await api_node.world.fund(owner, "EUR", "1234.50")
    client = api_node.anybody.as_(await api_node.world.key(owner, *CUSTOMER_SCOPES))
    reply = await client.get(f"/v1/statements?{EVER}&to={now()}&format=html")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    page = Page(reply.raw.decode())
    assert name in page.texts
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(page.tags)
    assert not {"src", "href", "onerror", "style"} & set(page.attributes)
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.attributes["content"] is not None
    assert page.attributes["content"] in policy  # the page says it itself, for when it was saved
    assert "1 234.50".replace(" ", "\N{NARROW NO-BREAK SPACE}") in page.texts
    assert re.search(r"@media print", reply.raw.decode())
    operators = await api_node.operator.get(f"/v1/statements?{EVER}&to={now()}&format=html&customer={owner}")
    assert "Holder" not in operators.raw.decode()  # a name is its owner's


async def test_the_pages_own_style_is_allowed_by_its_policy(api_node: ApiNode) -> None:
    alice = await api_node.person()
    reply = await asked(alice, f"{EVER}&to={now()}&format=html")
    (style,) = re.findall(r"<style>(.*?)</style>", reply.raw.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in reply.headers["Content-Security-Policy"]
