"""Whom a request may mean: the customers that it names, looked up together, and the rules by which they exist for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY

from wallet import schema
from wallet.context import Context, Record
from wallet.customers.create import NEVER_CHANGE
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
    """Ids, handles and platforms of these customers, which never change: who was not read lately is looked up, with one query
    for ids, one for handles, and for a platform one for its references, however many there are."""
    wanted = {name: _kept_as(owner, name) for name in {*names, owner} if is_platform or not name.startswith(PREFIX)}
    found = {name: row for name, kept in wanted.items() if (row := context.recent.get("customers", kept)) is not None}
    missing = [name for name in wanted if name not in found]
    for row in await _read(context, owner, missing):
        for name in _names(owner, row).intersection(missing):
            found[name] = {column: row[column] for column in NEVER_CHANGE}
            context.recent.keep("customers", wanted[name], found[name])
    return Parties(found[owner], is_platform, found)


def _names(owner: CustomerId, row: Record) -> set[str]:
    """All that `owner` may call them."""
    names = {str(row["id"])}
    if row["handle"] is not None:
        names |= {row["handle"], f"@{row['handle']}"}
    if row["platform"] == owner:
        names.add(f"{PREFIX}{row['reference']}")
    return names


def _kept_as(owner: CustomerId, name: str) -> str:
    """A reference means something to its platform alone."""
    return f"{owner} {name}" if name.startswith(PREFIX) else name


async def _read(context: Context, owner: CustomerId, names: list[str]) -> list[Record]:
    references = [name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)]
    ids = [name for name in names if name.startswith("cus_")]
    handles = [name.removeprefix("@") for name in names if not name.startswith(("cus_", PREFIX))]
    statements = [_among(column, values) for column, values in (("id", ids), ("handle", handles)) if values]
    if references:
        statements.append(by_reference(owner, references))
    return [row for statement in statements for row in await context.all(statement)]


def _among(column: str, values: list[str]) -> Select[Any]:
    return select(_TABLE).where(_TABLE.c[column] == any_(bindparam(None, values, type_=ARRAY(Text))))
