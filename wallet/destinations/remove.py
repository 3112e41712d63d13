"""Remove a saved destination. Saved again, it waits again."""

from wallet.context import Context
from wallet.customers.viewers import viewers_of
from wallet.destinations.find import SAVED, destination_view, find_saved
from wallet.errors import Stale
from wallet.ids import CustomerId
from wallet.journal.change import Change, Committed, EventKind, Update
from wallet.journal.recall import ATTEMPTS_MAX


async def remove_destination(context: Context, actor: str, owner: CustomerId, destination: str) -> Committed:
    """From the commit on no withdrawal is accepted that needs it. Removing again changes nothing. Raises `NotFound`."""
    for _ in range(ATTEMPTS_MAX):
        try:
            return await _removed(context, actor, owner, destination)
        except Stale as stale:
            last = stale
    raise last


async def _removed(context: Context, actor: str, owner: CustomerId, destination: str) -> Committed:
    row = await find_saved(context, owner, destination)
    if row["removed_at"] is not None:
        return Committed(0, row["removed_at"], destination_view(row), replayed=True)
    values = {"removed_at": await context.journal_time()}
    view = destination_view({**row, **values})
    change = Change(
        actor=actor,
        kind=EventKind.DESTINATION_REMOVED,
        data=view,
        writes=(Update(SAVED, row["id"], row["version"], values),),
        viewers=await viewers_of(context, owner),
        result=view,
    )
    return await context.journal.commit(change)
