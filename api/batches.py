"""What batches share: a key for each item, the batch on record before the first of them, and an outcome for each, told as if
the item had come alone."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Annotated, Any, TypeVar

from pydantic import Field, WithJsonSchema

from api.errors import Problem, problem_of
from api.idempotency import KEY_MAX, KEY_PATTERN
from api.routes import Answer, Call
from api.schema import Closed, Shown
from wallet.batches.claim import claim_batch
from wallet.batches.commit import AnyDraft, Outcome
from wallet.errors import Refusal
from wallet.journal.change import Committed, Request

READ_AT_ONCE = 50  # items, a few milliseconds; then others have their turn

ItemKey = Annotated[
    str,
    Field(
        pattern=KEY_PATTERN,
        max_length=KEY_MAX,
        examples=["pay-1"],
        description="The item's own Idempotency-Key, once in a batch. With it the item is known in every other request too.",
    ),
]
ProblemContent = Annotated[dict[str, Any], WithJsonSchema({"$ref": "#/components/schemas/Problem"})]


class Keyed(Closed):
    key: ItemKey


class ItemOutcome(Shown):
    """`status` and `problem` are what the item would have been answered alone; `id` names what was made."""

    key: str
    status: int
    replayed: bool
    id: str | None
    problem: ProblemContent | None


class Outcomes(Shown):
    """In the order of the request. `id` names what was made of the item."""

    items: list[ItemOutcome]


AnyItem = TypeVar("AnyItem", bound=Keyed)


async def answer_each(
    call: Call[Any, Any],
    items: Sequence[AnyItem],
    request: Request,
    read: Callable[[AnyItem], AnyDraft],
    commit: Callable[[Sequence[AnyDraft]], Awaitable[Sequence[Outcome | Problem]]],
) -> Answer:
    """Claim the batch, read each item (`read` raises `Refusal` or `Problem` for one that makes no sense; that is not
    remembered), and commit those that were understood together. Raises `Problem` for a key that stands twice."""
    _refuse_repeated(items)
    claim = await claim_batch(call.context, call.principal.key, request, len(items))
    drafts = await _read_each(items, read)
    outcomes = iter(await commit([draft for draft in drafts if not isinstance(draft, Exception)]))
    told = [draft if isinstance(draft, Exception) else next(outcomes) for draft in drafts]
    views = [_outcome_view(item.key, outcome) for item, outcome in zip(items, told, strict=True)]
    return Answer(Outcomes.model_construct(items=views), replayed=claim.replayed)


async def _read_each(
    items: Sequence[AnyItem], read: Callable[[AnyItem], AnyDraft]
) -> list[AnyDraft | Refusal | Problem]:
    drafts: list[AnyDraft | Refusal | Problem] = []
    for number, item in enumerate(items):
        if number % READ_AT_ONCE == READ_AT_ONCE - 1:
            await asyncio.sleep(0)
        try:
            drafts.append(read(item))
        except (Refusal, Problem) as refusal:
            drafts.append(refusal)
    return drafts


def _refuse_repeated(items: Iterable[Keyed]) -> None:
    ((_, count),) = Counter(item.key for item in items).most_common(1)
    if count > 1:
        raise Problem("invalid_request", "a key stands twice", blame="items")


def _outcome_view(key: str, outcome: Committed | Exception) -> ItemOutcome:
    """Raises what is a mistake of ours."""
    if isinstance(outcome, Committed):
        return ItemOutcome.model_construct(
            key=key, status=201, replayed=outcome.replayed, id=str(outcome.result["id"]), problem=None
        )
    problem = problem_of(outcome)
    if problem is None:
        raise outcome
    replayed = "Idempotent-Replayed" in problem.headers
    return ItemOutcome.model_construct(
        key=key, status=problem.status, replayed=replayed, id=None, problem=problem.content()
    )
