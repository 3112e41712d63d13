"""Who may: keys, scopes, and that what is yours is yours."""

import pytest

from api.endpoints import ROUTES
from api.routes import Route
from tests.integration.api.client import Client
from tests.integration.api.conftest import ApiNode, Person
from wallet.access.keys import CUSTOMER_SCOPES, OPERATOR_SCOPES, Scope

GUARDED = [declared for declared in ROUTES if not declared.access.public]
SCOPED = [declared for declared in GUARDED if declared.access.scopes]
NAMES = {
    "customer": "@nobody_at_all",
    "key": "key_" + "0" * 26,
    "deposit": "dep_" + "0" * 26,
    "payment": "pay_" + "0" * 26,
    "withdrawal": "wdr_" + "0" * 26,
    "destination": "dst_" + "0" * 26,
    "hold": "hld_" + "0" * 26,
    "settlement": "stl_" + "0" * 26,
    "object": "pay_" + "0" * 26,
    "day": "2026-11-24",
    "explained": "pay_" + "0" * 26,
    "proposal": "prp_" + "0" * 26,
    "network": "ethereum",
    "address": "adr_" + "0" * 26,
}


def concrete(declared: Route) -> str:
    return declared.path.format(**NAMES) if "{" in declared.path else declared.path


def title(declared: Route) -> str:
    return f"{declared.method} {declared.path}"


@pytest.mark.parametrize("declared", GUARDED, ids=title)
async def test_without_a_valid_key_every_reason_gets_the_same_answer(api_node: ApiNode, declared: Route) -> None:
    revoked = await revoked_key(api_node)
    attempts: list[dict[str, str]] = [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer coffer_short"},
        {"Authorization": f"Bearer coffer_{'A' * 43}"},
        {"Authorization": f"Bearer {revoked}"},
        {"Authorization": f"Basic {api_node.operator.secret}"},
        {"Authorization": f"{api_node.operator.secret}"},
        {"X-Api-Key": f"{api_node.operator.secret}"},
    ]
    replies = [await api_node.anybody.send(declared.method, concrete(declared), headers=sent) for sent in attempts]
    assert {(reply.status, reply.code) for reply in replies} == {(401, "unauthorized")}
    assert len({reply.raw for reply in replies}) == 1
    assert replies[0].headers["WWW-Authenticate"] == "Bearer"


async def test_a_secret_in_the_query_opens_nothing(api_node: ApiNode) -> None:
    assert (await api_node.anybody.get(f"/v1/me?token={api_node.operator.secret}")).status == 401


@pytest.mark.parametrize("declared", SCOPED, ids=title)
async def test_a_key_without_the_scope_is_refused_before_anything_is_read(api_node: ApiNode, declared: Route) -> None:
    wrong = frozenset(Scope) - declared.access.scopes
    customer = await api_node.person()
    operator = await api_node.world.operator(f"op{customer.handle}")
    for owner, scopes in ((customer.id, wrong - OPERATOR_SCOPES), (operator, wrong & OPERATOR_SCOPES)):
        if not scopes:
            continue
        client = api_node.anybody.as_(await api_node.world.key(owner, *scopes))
        reply = await client.send(declared.method, concrete(declared), raw=b"{not json", key="k")
        assert (reply.status, reply.code) == (403, "scope_missing"), owner
        assert reply.body["scope"] == " or ".join(sorted(declared.access.scopes))


async def test_a_revoked_key_is_out_at_once_on_every_instance(api_node: ApiNode) -> None:
    alice = await api_node.person()
    made = (await alice.client.post("/v1/api-keys", {"scopes": ["read"], "label": "lost"})).body
    doors = [client.as_(made["secret"]) for client in (api_node.anybody, api_node.other_instance)]
    assert [(await door.get("/v1/balances")).status for door in doors] == [200, 200]
    gone = await alice.client.delete(f"/v1/api-keys/{made['id']}")
    assert gone.status == 200
    assert [(await door.get("/v1/balances")).status for door in doors] == [401, 401]
    assert (await alice.client.delete(f"/v1/api-keys/{made['id']}")).body == gone.body


async def test_a_key_never_makes_one_that_may_do_more(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(), await api_node.person()
    keeper = api_node.anybody.as_(await api_node.world.key(alice.id, Scope.KEYS, Scope.READ))
    assert (await keeper.post("/v1/api-keys", {"scopes": ["read"], "label": "less"})).status == 201
    for content in (
        {"scopes": ["withdraw"], "label": "more"},
        {"scopes": ["operate"], "label": "much more"},
        {"scopes": ["read"], "label": "for another", "owner": f"@{bob.handle}"},
    ):
        reply = await keeper.post("/v1/api-keys", content)
        assert (reply.status, reply.code) == (403, "not_allowed"), content
    reader = await api_node.world.operator("op_reader")
    only_operate = api_node.anybody.as_(await api_node.world.key(reader, Scope.OPERATE))
    assert (await only_operate.post("/v1/api-keys", {"scopes": ["operate_read"], "label": "x"})).status == 403


async def test_operators_do_not_reach_each_others_keys(api_node: ApiNode) -> None:
    other = await api_node.world.operator("op_other")
    key = (await api_node.anybody.as_(await api_node.world.key(other, *OPERATOR_SCOPES)).get("/v1/me")).body["key"]
    assert (await api_node.operator.delete(f"/v1/api-keys/{key}")).status == 404
    alice = await api_node.person()
    theirs = (await alice.client.get("/v1/me")).body["key"]
    assert (await api_node.operator.delete(f"/v1/api-keys/{theirs}")).status == 200
    assert (await alice.client.get("/v1/me")).status == 401


async def test_nothing_of_another_owner_exists(api_node: ApiNode) -> None:
    """The isolation matrix: every object of alice's, asked for by bob, with every scope that customers have."""
    alice, bob, carol = await api_node.person(EUR="50.00"), await api_node.person(), await api_node.person()
    await alice.client.post("/v1/addresses", {"network": "bitcoin"})
    paid = (await alice.client.post("/v1/payments", payment(carol), key="p")).body["id"]
    sent = (await alice.client.post("/v1/withdrawals", withdrawal(), key="w")).body["id"]
    arrived = (await alice.client.get("/v1/deposits")).body["items"][0]["id"]
    key = (await alice.client.get("/v1/me")).body["key"]
    objects = [
        f"/v1/customers/{alice.id}",
        f"/v1/customers/@{alice.handle}",
        f"/v1/payments/{paid}",
        f"/v1/withdrawals/{sent}",
        f"/v1/deposits/{arrived}",
        *[f"/v1/{what}?customer={alice.id}" for what in ("balances", "addresses", "deposits", "withdrawals")],
        f"/v1/balances?customer=@{alice.handle}",
        f"/v1/transfers?asset=EUR&customer={alice.id}",
    ]
    for path in objects:
        assert (await alice.client.get(path)).status == 200, path
        refused = await bob.client.get(path)
        assert (refused.status, refused.code) == (404, "not_found"), path
    assert (await bob.client.post(f"/v1/withdrawals/{sent}/cancel", key="c")).status == 404
    assert (await bob.client.delete(f"/v1/api-keys/{key}")).status == 404
    assert (await alice.client.get(f"/v1/withdrawals/{sent}")).body["status"] == "requested"
    await nothing_listed(bob.client)


async def nothing_listed(client: Client) -> None:
    for path in ("/v1/addresses", "/v1/deposits", "/v1/payments", "/v1/withdrawals", "/v1/transfers?asset=EUR"):
        assert (await client.get(path)).body["items"] == [], path
    events = (await client.get("/v1/events")).body["items"]
    assert {event["type"] for event in events} <= {"customer.created", "api_key.created"}


async def test_another_owners_cursor_is_refused(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="50.00"), await api_node.person(EUR="50.00")
    for number in range(2):
        await alice.client.post("/v1/payments", payment(bob), key=f"n-{number}")
    for path in ("/v1/payments?limit=1", "/v1/transfers?asset=EUR&limit=1", "/v1/events?limit=1"):
        cursor = (await alice.client.get(path)).body["next_cursor"]
        assert (await alice.client.get(f"{path}&cursor={cursor}")).status == 200
        refused = await bob.client.get(f"{path}&cursor={cursor}")
        assert (refused.status, refused.code) == (400, "invalid_cursor"), path
    other_list = (await alice.client.get("/v1/payments?limit=1")).body["next_cursor"]
    assert (await alice.client.get(f"/v1/deposits?cursor={other_list}")).code == "invalid_cursor"


async def test_operators_see_customers_and_move_nothing(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(EUR="50.00"), await api_node.person()
    seen = await api_node.operator.get(f"/v1/balances?customer=@{alice.handle}")
    figures = {"posted": "50.00", "held": "0.00", "available": "50.00", "receivable": "0.00"}
    assert {"asset": "EUR", **figures} in seen.body["items"]
    shown = await api_node.operator.get(f"/v1/customers/@{alice.handle}")
    assert shown.body["name"] == f"Name of {alice.handle}"
    assert (await api_node.operator.get("/v1/balances")).body["field"] == "customer"
    for path, content in (("/v1/payments", payment(bob)), ("/v1/withdrawals", withdrawal())):
        assert (await api_node.operator.post(path, content, key="op")).status == 403


async def test_me_tells_whose_key_it_is(api_node: ApiNode) -> None:
    alice = await api_node.person()
    mine = (await alice.client.get("/v1/me")).body
    assert (mine["owner"], mine["handle"], mine["customer"]["name"]) == (
        alice.id,
        alice.handle,
        f"Name of {alice.handle}",
    )
    assert set(mine["scopes"]) == {str(scope) for scope in CUSTOMER_SCOPES}
    operator = (await api_node.operator.get("/v1/me")).body
    assert (operator["handle"], operator["customer"]) == ("op", None)


async def test_the_list_of_customers_is_paged_and_carries_no_names(api_node: ApiNode) -> None:
    people = [await api_node.person() for _ in range(3)]
    found: list[str] = []
    path = "/v1/customers?limit=2"
    while True:
        page = (await api_node.operator.get(path)).body
        assert len(page["items"]) <= 2
        names = {"id", "handle", "platform", "reference", "created_at", "closed_at"}
        assert all(set(item) == names for item in page["items"])
        found += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        path = f"/v1/customers?limit=2&cursor={page['next_cursor']}"
    assert len(found) == len(set(found))
    assert {person.id for person in people} <= set(found)
    assert (await people[0].client.get("/v1/customers")).status == 403


async def revoked_key(api_node: ApiNode) -> str:
    alice = await api_node.person()
    made = (await alice.client.post("/v1/api-keys", {"scopes": ["read"], "label": "gone"})).body
    await alice.client.delete(f"/v1/api-keys/{made['id']}")
    return str(made["secret"])


def payment(to: Person) -> dict[str, object]:
    return {"to": f"@{to.handle}", "asset": "EUR", "amount": "1.00", "note": "for your eyes only"}


def withdrawal() -> dict[str, object]:
    destination = {"address": "outside-1", "name": "Bob"}
    return {"network": "sepa", "asset": "EUR", "amount": "1.00", "destination": destination}
