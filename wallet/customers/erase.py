"""Erase what identifies a customer: names, addresses, notes, bank destinations. The books go on; they never held them."""

from sqlalchemy import select, update

from wallet import schema
from wallet.context import Context
from wallet.customers.create import find_customer
from wallet.errors import NotAllowed
from wallet.journal.change import Change, Committed, EventKind
from wallet.withdrawals.states import ENDED


async def erase_customer(context: Context, actor: str, name: str) -> Committed:
    """Destroys the person's key, then the ciphertexts. Repeatable. Raises `NotFound`, and `NotAllowed` while a withdrawal
    still needs its bank destination."""
    row = await find_customer(context, name)
    table = schema.withdrawals
    still_open = select(table.c.id).where(table.c.owner == row["id"], table.c.state.not_in(ENDED)).limit(1)
    if await context.one(still_open) is not None:
        raise NotAllowed("a withdrawal of this customer is not at its end")
    data = {"id": row["id"], "handle": row["handle"]}
    committed = await context.journal.commit(Change(actor, EventKind.CUSTOMER_ERASED, data, result=data))
    context.vault.erase(row["id"])
    items = schema.vault_items
    async with context.ops.begin() as connection:
        await connection.execute(update(items).where(items.c.person == row["id"]).values(ciphertext=None))
    return committed
