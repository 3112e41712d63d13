"""Create a customer under a handle that nobody else has."""

import re

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import AlreadyExists, CustomerClosed, HandleTaken, NotFound, Refusal
from wallet.ids import CustomerId
from wallet.journal.body import time_text
from wallet.journal.change import Change, Committed, EventKind, Insert, Request
from wallet.vault.items import ItemKind
from wallet.vault.vault import RevealPurpose

NEVER_CHANGE = ("id", "handle", "platform")  # columns of a customer that may be remembered
_HANDLE = re.compile(r"[a-z][a-z0-9_]{1,29}", re.ASCII)


class HandleMalformed(Refusal):
    code = "handle_malformed"

    def __init__(self) -> None:
        super().__init__("a handle is 2 to 30 lower-case ASCII letters, digits and _, and begins with a letter")


def parse_handle(text: str) -> str:
    """A handle with or without its @; ASCII only, so that no two handles look alike. Raises `HandleMalformed`."""
    handle = text.removeprefix("@")
    if not _HANDLE.fullmatch(handle):
        raise HandleMalformed
    return handle


async def create_customer(
    context: Context, actor: str, handle: str, name: str | None, email: str | None, request: Request | None = None
) -> Committed:
    """Raises `HandleTaken`, `HandleMalformed`. The result is the customer without personal data."""
    handle = parse_handle(handle)
    customer, now = CustomerId(context.new_id("cus")), context.clock.now()
    sealed_name = context.seal(customer, ItemKind.NAME, name) if name else None
    sealed_email = context.seal(customer, ItemKind.EMAIL, email) if email else None
    row = {
        "id": customer,
        "handle": handle,
        "name_item": sealed_name.id if sealed_name else None,
        "email_item": sealed_email.id if sealed_email else None,
        "created_at": now,
    }
    view = {"id": customer, "handle": handle, "created_at": time_text(now)}
    change = Change(
        actor=actor,
        kind=EventKind.CUSTOMER_CREATED,
        data=view,
        writes=(Insert("customers", row),),
        vault=tuple(item for item in (sealed_name, sealed_email) if item is not None),
        viewers=(customer,),
        request=request,
        result=view,
    )
    try:
        return await context.journal.commit(change)
    except Refusal as refusal:
        if refusal.stable_code == AlreadyExists.code:  # judged now, or remembered from an earlier try
            raise HandleTaken(handle) from None
        raise


async def find_customer(context: Context, name: str) -> Record:
    """By id or by handle (with or without @). Raises `NotFound`."""
    table = schema.customers
    column = table.c.id if name.startswith("cus_") else table.c.handle
    row = await context.named(column, name.removeprefix("@"))
    if row is None:
        raise NotFound("customer", name)
    return row


async def find_open_customer(context: Context, name: str) -> Record:
    """One who may still be given something. Raises `NotFound`, `CustomerClosed`."""
    row = await find_customer(context, name)
    if row["closed_at"] is not None:
        raise CustomerClosed(row["id"])
    return row


def customer_view(row: Record) -> dict[str, object]:
    """A customer without personal data. A sub-account has no handle, but a platform and its reference."""
    names = ("id", "handle", "platform", "reference")
    closed = {"closed_at": time_text(row["closed_at"])} if row.get("closed_at") is not None else {}
    return {**{name: row[name] for name in names}, "created_at": time_text(row["created_at"]), **closed}


async def customer_names(context: Context, name: str) -> Record:
    """Id, handle and platform of a customer, which never change. Raises `NotFound`."""
    known = context.recent.get("customers", name)
    if known is None:
        row = await find_customer(context, name)
        known = {column: row[column] for column in NEVER_CHANGE}
        for told in (name, row["id"]):
            context.recent.keep("customers", told, known)
    return known


async def reveal_customer(context: Context, row: Record, purpose: RevealPurpose) -> dict[str, object]:
    """The customer with name and e-mail address in clear, for the owner or for an operator with a reason."""
    view = customer_view(row)
    for field in ("name", "email"):
        item = row[f"{field}_item"]
        view[field] = await context.reveal(item, purpose) if item else None
    return view
