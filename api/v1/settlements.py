"""Settlements: a trade between accounts of one platform, all of its legs at once or none."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from pydantic import ConfigDict, Field
from sqlalchemy import select

from api.amounts import read_amount
from api.batches import Keyed, Outcomes, answer_each
from api.errors import MOVE_REFUSALS, Problem, problem_of
from api.idempotency import item_request, request_of
from api.json_body import BATCH_BYTES_MAX
from api.pages import page_of_rows
from api.receipted import Receipted
from api.routes import Answer, Call, Idempotency, any_of, route
from api.schema import REFERENCE, ULID, AmountText, AssetSymbol, ClientReference, Closed, Moment, Nothing, Paging, Shown
from wallet import schema
from wallet.access.keys import Scope
from wallet.batches.commit import Outcome
from wallet.context import Context, Record
from wallet.customers.find import Parties, find_parties
from wallet.errors import InsufficientFunds, NotFound, Refusal
from wallet.ids import CustomerId, HoldId
from wallet.journal.body import time_text
from wallet.ledger.accounts import COLLECTED_CODES
from wallet.settlements.legs import LEGS_MAX, Held, Leg, Place, leg_row, leg_view
from wallet.settlements.post import BATCH_MAX, SettlementDraft, post_settlement, post_settlements

SELF = "self"
HOLD_PREFIX = "hld_"
OPERATION = "settlement.post"
_TABLE = schema.settlements
_EXAMPLE = [
    {"from": "ref:ann", "to": "ref:ben", "asset": "BTC", "amount": "0.5"},
    {"from": "ref:ben", "to": "ref:ann", "asset": "EUR", "amount": "30000.00"},
    {"from": "ref:ann", "to": "fees", "asset": "EUR", "amount": "15.00"},
]
LegPlace = Annotated[
    str,
    Field(
        pattern=f"^(cus_{ULID}|ref:{REFERENCE}|self|fees|markup)$",
        examples=["ref:ann"],
        description="A sub-account by id or `ref:`, the platform's own balance (`self`), or what it has collected.",
    ),
]
LegSource = Annotated[
    str,
    Field(
        pattern=f"^(cus_{ULID}|ref:{REFERENCE}|hld_{ULID}|self|fees|markup)$",
        examples=["ref:ann"],
        description="As `to`; or a hold that the platform has placed, of which the leg takes a part or all.",
    ),
]


class LegBody(Closed):
    source: LegSource = Field(alias="from")
    to: LegPlace
    asset: AssetSymbol
    amount: AmountText


class SettlementBody(Closed):
    legs: list[LegBody] = Field(min_length=2, max_length=LEGS_MAX, examples=[_EXAMPLE])
    client_reference: ClientReference | None = None


class SettlementItem(SettlementBody, Keyed):
    """A settlement as it could be posted alone, with a key of its own."""


class SettlementsBody(Closed):
    items: list[SettlementItem] = Field(
        min_length=1, max_length=BATCH_MAX, examples=[[{"key": "trade-1", "legs": _EXAMPLE}]]
    )


class LegView(Shown):
    model_config = ConfigDict(serialize_by_alias=True)

    source: str = Field(alias="from")
    hold: str | None
    to: str
    asset: AssetSymbol
    amount: AmountText


class SettlementView(Shown):
    id: str
    platform: str
    legs: list[LegView]
    client_reference: str | None
    created_at: Moment


class SettlementAccepted(SettlementView, Receipted):
    """The settlement, with a proof that the request was accepted."""


class SettlementPage(Shown):
    items: list[SettlementView]
    next_cursor: str | None


@route(
    "POST",
    "/v1/settlements",
    access=any_of(Scope.PLATFORM, judged=True),
    answer=SettlementAccepted,
    statuses=(201,),
    idempotency=Idempotency.REQUIRED,
    refuses=(*MOVE_REFUSALS, "hold_not_open"),
)
async def post(call: Call[SettlementBody, Nothing]) -> Answer:
    """Settle a trade between accounts of one's own: all legs at once or none"""
    need_pay(call)
    parties = await _parties(call, [call.body])
    legs = _legs(call, parties, call.body)
    request = request_of(call, OPERATION, _meaning(legs, call.body.client_reference))
    draft = SettlementDraft(CustomerId(call.principal.owner), legs, call.body.client_reference, request)
    try:
        done = await post_settlement(call.context, call.principal.key, draft)
    except Refusal as refusal:
        raise _naming_account(refusal) from None
    row = await _row(call, str(done.result["id"]))
    return Answer(_shown(call.context, row), 201, done.replayed, location=f"/v1/settlements/{row['id']}", done=done)


@route(
    "POST",
    "/v1/settlements/batch",
    access=any_of(Scope.PLATFORM, judged=True),
    answer=Outcomes,
    idempotency=Idempotency.REQUIRED,
    refuses=("idempotency_key_reused",),
    bytes_max=BATCH_BYTES_MAX,
)
async def post_batch(call: Call[SettlementsBody, Nothing]) -> Answer:
    """Settle many trades, each on its own"""
    need_pay(call)
    items, owner = call.body.items, CustomerId(call.principal.owner)
    parties = await _parties(call, items)

    def read(item: SettlementItem) -> SettlementDraft:
        legs = _legs(call, parties, item)
        request = item_request(call, OPERATION, item.key, _meaning(legs, item.client_reference))
        return SettlementDraft(owner, legs, item.client_reference, request)

    async def commit(drafts: Sequence[SettlementDraft]) -> list[Outcome | Problem]:
        outcomes = await post_settlements(call.context, call.principal.key, drafts)
        return [_naming_account(outcome) if isinstance(outcome, Refusal) else outcome for outcome in outcomes]

    meaning: dict[str, object] = {"items": [item.model_dump(mode="json") for item in items]}
    return await answer_each(call, items, request_of(call, "settlement.batch", meaning), read, commit)


@route("GET", "/v1/settlements", access=any_of(Scope.PLATFORM), answer=SettlementPage, refuses=("invalid_cursor",))
async def list_all(call: Call[Nothing, Paging]) -> Answer:
    """Settlements, newest first"""
    rows, following = await page_of_rows(call, "settlements", _TABLE, _TABLE.c.platform == call.principal.owner)
    return Answer(SettlementPage(items=[_shown(call.context, row) for row in rows], next_cursor=following))


@route(
    "GET", "/v1/settlements/{settlement}", access=any_of(Scope.PLATFORM), answer=SettlementView, refuses=("not_found",)
)
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """One settlement"""
    return Answer(_shown(call.context, await _row(call, call.path["settlement"])))


def need_pay(call: Call[Any, Any]) -> None:
    """Raises `Problem`: what moves money needs more than acting for customers."""
    if Scope.PAY not in call.principal.scopes:
        raise Problem("scope_missing", f"this needs the scope {Scope.PAY} too", members={"scope": Scope.PAY})


async def _parties(call: Call[Any, Any], bodies: Iterable[SettlementBody]) -> Parties:
    named = {place for body in bodies for leg in body.legs for place in (leg.source, leg.to)}
    names = {name for name in named if name not in (SELF, *COLLECTED_CODES) and not name.startswith(HOLD_PREFIX)}
    return await find_parties(call.context, CustomerId(call.principal.owner), is_platform=True, names=names)


def _legs(call: Call[Any, Any], parties: Parties, body: SettlementBody) -> tuple[Leg, ...]:
    """Raises `NotFound` for what is not the platform's, `Problem` for what is no amount."""
    return tuple(
        [
            Leg(
                _source(parties, leg.source),
                place_named(parties, leg.to),
                read_amount(call.context, leg.asset, leg.amount),
            )
            for leg in body.legs
        ]
    )


def _source(parties: Parties, name: str) -> Place | Held:
    return Held(HoldId(name)) if name.startswith(HOLD_PREFIX) else place_named(parties, name)


def place_named(parties: Parties, name: str) -> Place:
    """Raises `NotFound` for what is not the platform's."""
    own = CustomerId(parties.owner["id"])
    if name in COLLECTED_CODES:
        return Place(own, name)
    return Place(own if name == SELF else CustomerId(parties.own(name)["id"]), "balance")


def _naming_account(refusal: Refusal) -> Problem | Refusal:
    """Of a trade's accounts, all of them the platform's to see, the one that lacks the money."""
    problem = problem_of(refusal)
    if problem is None or refusal.stable_code != InsufficientFunds.code:
        return refusal
    problem.members["account"] = refusal.detail["account"]
    return problem


def _meaning(legs: tuple[Leg, ...], client_reference: str | None) -> dict[str, object]:
    """`from` is the account, or the hold, as it was understood."""
    told = [leg_row(leg, leg.source.hold if isinstance(leg.source, Held) else leg.source.name) for leg in legs]
    return {"legs": told, "client_reference": client_reference}


async def _row(call: Call[Any, Any], settlement: str) -> Record:
    row = await call.context.one(select(_TABLE).where(_TABLE.c.id == settlement))
    if row is None or row["platform"] != call.principal.owner:
        raise NotFound("settlement", settlement)
    return row


def _shown(context: Context, row: Record) -> SettlementView:
    legs = [LegView.model_validate(leg_view(leg, context.asset(leg["asset"]).decimals)) for leg in row["legs"]]
    return SettlementView(
        id=row["id"],
        platform=row["platform"],
        legs=legs,
        client_reference=row["client_reference"],
        created_at=time_text(row["created_at"]),
    )


ROUTES = (post, post_batch, list_all, show)
