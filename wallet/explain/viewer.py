"""Whose things may be seen. Operators see everything, a platform its own customers, everybody themselves."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select

from wallet import schema
from wallet.context import Context


@dataclass(frozen=True, slots=True)
class Viewer:
    """`owner` is None for an operator."""

    owner: str | None
    is_platform: bool = False

    @property
    def is_operator(self) -> bool:
        return self.owner is None


OPERATOR = Viewer(None)


async def seen_among(context: Context, viewer: Viewer, owners: Iterable[str | None]) -> frozenset[str]:
    """Those of these owners whose things the viewer sees. The house is nobody's but the operators'."""
    named = frozenset(owner for owner in owners if owner is not None)
    if viewer.is_operator:
        return named
    own = named & {viewer.owner}
    if not viewer.is_platform or own == named:
        return own
    table = schema.customers
    mine = select(table.c.id).where(table.c.platform == viewer.owner, table.c.id.in_(named))
    return own | {row["id"] for row in await context.all(mine)}
