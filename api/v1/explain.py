"""Why is my balance this? And what became of that payment? The entries behind it, and what proves them."""

from typing import Any

from pydantic import ConfigDict, Field

from api.auth import subject
from api.routes import Answer, Call, any_of, route
from api.schema import AmountText, AssetSymbol, Moment, Nothing, Shown
from wallet.access.keys import Scope
from wallet.explain.explain import explain_customer, explain_object
from wallet.explain.viewer import OPERATOR, Viewer
from wallet.journal.change import EventKind
from wallet.ledger.transfers import Move

_CUSTOMERS = ("cus_", "@", "ref:")


class FiguresAfter(Shown):
    account: str
    posted: str = Field(description="As the ledger has it: of an account that owes, negative.")
    held: AmountText


class MoveView(Shown):
    model_config = ConfigDict(serialize_by_alias=True)

    move: Move
    asset: AssetSymbol
    amount: AmountText
    source: str | None = Field(alias="from", description="The account that is debited; null if it is not told.")
    to: str | None
    after: list[FiguresAfter]


class BatchView(Shown):
    first: int
    last: int


class ChangeView(Shown):
    position: int | None = Field(description="For operators: its sequence in the journal.")
    batch: BatchView | None = Field(description="For operators: the Changes that were signed together.")
    actor: str | None = Field(description="For operators: who asked for it.")
    at: Moment
    kind: EventKind
    hash: str = Field(description="In the journal's chain; a receipt has the same as `chain`.")
    key: str | None = Field(description="The node's key that signed its batch.")
    transfers: list[MoveView]


class EvidenceView(Shown):
    network: str
    tx: str | None
    height: int | None = Field(description="Of the block; at a bank, the number of the accepted statement.")
    block: str | None
    statement: str | None = Field(description="For operators: the statement.")
    digest: str | None = Field(description="Of the file that the statement came in.")


class PromisedView(Shown):
    object: str
    amount: AmountText


class AccountView(Shown):
    account: str
    asset: AssetSymbol
    came_in: AmountText
    went_out: AmountText
    posted: AmountText
    held: AmountText
    available: AmountText
    holds: list[PromisedView]


class Explanation(Shown):
    """What stands behind an object, in words and in fields."""

    id: str
    noun: str
    words: list[str] = Field(description="The whole explanation in sentences.")
    accounts: list[AccountView] = Field(description="Of a customer: how each balance comes about.")
    changes: list[ChangeView] = Field(description="The entries behind it, oldest first; of a customer, the last ones.")
    evidence: list[EvidenceView] = Field(description="Blocks and statements that prove it.")
    related: list[str] = Field(description="What it belongs to, to be explained next.")


@route(
    "GET",
    "/v1/explain/{explained}",
    access=any_of(Scope.READ, Scope.OPERATE_READ),
    answer=Explanation,
    refuses=("not_found",),
)
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """Why a balance is what it is, or what stands behind a payment, deposit, withdrawal, hold or settlement"""
    named, viewer = call.path["explained"], _viewer(call)
    if named.startswith(_CUSTOMERS):
        found = await explain_customer(call.context, await subject(call, named), viewer)
    else:
        found = await explain_object(call.context, named, viewer)
    return Answer(Explanation.model_validate(found))


def _viewer(call: Call[Any, Any]) -> Viewer:
    principal = call.principal
    return OPERATOR if principal.is_operator else Viewer(principal.owner, principal.is_platform)


ROUTES = (show,)
