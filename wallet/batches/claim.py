"""Put a batch on record under its key, before any item: the same key with other items is refused, and nothing of them is
done. Whoever repeats a batch, after a crash in its middle as well, has each item answered under the item's own key."""

from wallet.context import Context
from wallet.journal.change import Change, Committed, EventKind, Request


async def claim_batch(context: Context, actor: str, request: Request, count: int) -> Committed:
    """Raises `KeyReused`. `replayed` says that these very items came before."""
    data = {"operation": request.operation, "items": count}
    change = Change(
        actor=actor,
        kind=EventKind.BATCH_ACCEPTED,
        data=data,
        requires=request.standing,
        viewers=(request.owner,),
        request=request,
        result=data,
    )
    return await context.journal.commit(change)
