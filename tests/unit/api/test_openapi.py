import json
from typing import Any

import pytest
from openapi_spec_validator import validate

from api.endpoints import ROUTES
from api.openapi import document
from api.routes import Idempotency, Route

DOCUMENT = document(ROUTES, "1.2.3")


def operation(declared: Route) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][declared.path][declared.method.lower()]
    return found


def test_the_description_is_valid_openapi() -> None:
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere() -> None:
    text = json.dumps(DOCUMENT)
    for name in set(text.split('"#/components/schemas/')[1:]):
        assert name.partition('"')[0] in DOCUMENT["components"]["schemas"]


def test_operation_ids_are_unique() -> None:
    names = [operation(declared)["operationId"] for declared in ROUTES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("declared", ROUTES, ids=[f"{r.method} {r.path}" for r in ROUTES])
def test_every_endpoint_tells_how_it_refuses(declared: Route) -> None:
    responses = operation(declared)["responses"]
    assert {"400", "500"} <= responses.keys()
    assert {"401", "403"} <= responses.keys() or declared.access.public or not declared.access.scopes
    assert operation(declared)["security"] == ([] if declared.access.public else [{"key": []}])


@pytest.mark.parametrize("declared", ROUTES, ids=[f"{r.method} {r.path}" for r in ROUTES])
def test_the_idempotency_key_is_described_where_it_is_read(declared: Route) -> None:
    named = [parameter for parameter in operation(declared)["parameters"] if parameter["name"] == "Idempotency-Key"]
    assert len(named) == (declared.idempotency is not Idempotency.NONE)
    if named:
        assert named[0]["required"] == (declared.idempotency is Idempotency.REQUIRED)
        assert "422" in operation(declared)["responses"]


def test_whatever_moves_money_requires_a_key() -> None:
    moving = {r.path for r in ROUTES if r.idempotency is Idempotency.REQUIRED}
    assert moving == {
        "/v1/holds",
        "/v1/holds/{hold}/settle",
        "/v1/holds/{hold}/void",
        "/v1/operator/reversals",
        "/v1/payments",
        "/v1/payments/batch",
        "/v1/settlements",
        "/v1/settlements/batch",
        "/v1/withdrawals",
        "/v1/withdrawals/{withdrawal}/cancel",
    }
    from_scopes = {
        r.path for r in ROUTES if r.method == "POST" and {"pay", "withdraw"} & {str(s) for s in r.access.scopes}
    }
    assert from_scopes - moving == {"/v1/destinations", "/v1/withdrawals/quote"}  # these move nothing


def test_bodies_are_closed_and_have_examples() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for declared in ROUTES:
        if declared.takes_body:
            schema = schemas[declared.body.__name__]
            assert schema["additionalProperties"] is False
            assert "example" in json.dumps(schema)
