"""Whom a request may mean: the customers that it names, looked up together, and the rules by which they exist for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from wallet import schema
from wallet.context import Context, Record
from wallet.customers.sub_accounts import PREFIX, by_reference
from wallet.errors import NotFound
from wallet.ids import CustomerId

_TABLE = schema.customers


@dataclass(frozen=True, slots=True)
class Parties:
    """`owner` is who asks; `found` has the customers by the names that were sent."""

    owner: Record
    is_platform: bool
    found: Mapping[str, Record]

    def own(self, name: str) -> Record:
        """Oneself, or a platform's own sub-account. Raises `NotFound` for everybody else."""
        row = self.found.get(name)
        if row is None or not (row["id"] == self.owner["id"] or self._keeps(row)):
            raise NotFound("customer", name)
        return row

    def payee(self, payer: Record, name: str) -> Record:
        """A sub-account is paid by its platform and by the platform's other sub-accounts. Raises `NotFound`."""
        row = self.found.get(name)
        if row is None or row["platform"] not in (None, payer["id"], payer["platform"]):
            raise NotFound("customer", name)
        return row

    def _keeps(self, row: Record) -> bool:
        return self.is_platform and row["platform"] == self.owner["id"]


async def find_parties(context: Context, owner: CustomerId, *, is_platform: bool, names: Collection[str]) -> Parties:
    """A look-up for ids, one for handles, and for a platform one for its references, however many there are."""
    references = [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]
    ids = [name for name in names if name.startswith("cus_")]
    handles = [name for name in names if not name.startswith(("cus_", PREFIX))]
    found = {row["id"]: row for row in await context.all(_among("id", [*ids, owner]))}
    own = found[owner]
    if handles:
        by_handle = {
            row["handle"]: row for row in await context.all(_among("handle", [n.removeprefix("@") for n in handles]))
        }
        found |= {name: by_handle[name.removeprefix("@")] for name in handles if name.removeprefix("@") in by_handle}
    if references and is_platform:
        rows = await context.all(by_reference(owner, references))
        found |= {PREFIX + row["reference"]: row for row in rows}
    return Parties(own, is_platform, found)


def _among(column: str, values: list[str]) -> Select[Any]:
    return select(_TABLE).where(_TABLE.c[column] == any_(bindparam(None, values, type_=ARRAY(Text))))
