"""What batches share: a key for each item, and an outcome for each, told as if the item had come alone."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from api.errors import Problem, problem_of
from api.idempotency import KEY_MAX, KEY_PATTERN
from api.schema import Closed, Shown
from wallet.journal.change import Committed

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


def refuse_repeated(items: Iterable[Keyed]) -> None:
    """Raises `Problem` for a key that stands twice."""
    ((_, count),) = Counter(item.key for item in items).most_common(1)
    if count > 1:
        raise Problem("invalid_request", "a key stands twice", blame="items")


def outcome_view(key: str, outcome: Committed | Exception) -> ItemOutcome:
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
