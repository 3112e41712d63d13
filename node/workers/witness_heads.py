"""Write the journal's signed head to the witness's file when it has moved; stop everything if it moved back."""

import asyncio

from node.database.primary import connect_primary
from node.witness import WitnessFile, stop_all_assets
from wallet.context import Context
from wallet.proofs.witness import WitnessContradicted, compare_heads, current_head


async def witness_head(context: Context, books_dsn: str, witness: WitnessFile) -> None:
    """A database that was replaced under a running node by one that misses the end is noticed here: every asset is paused.
    Raises OSError while the file's place cannot be written: the loop logs it and tries again."""
    connection = await connect_primary(books_dsn)
    try:
        last = await asyncio.to_thread(witness.last)
        try:
            await compare_heads(connection, [] if last is None else [(0, last)])
        except WitnessContradicted as contradicted:
            await stop_all_assets(context, str(contradicted))
        head = await current_head(connection)
    finally:
        await connection.close()
    if head is not None:
        await asyncio.to_thread(witness.add, head)
