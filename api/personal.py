"""Personal data for its owner's eyes. Where the person was erased there is nothing to show, which is no error."""

from typing import Any

from wallet.context import Context
from wallet.vault.items import PersonErased
from wallet.vault.vault import RevealPurpose


async def reveal_for_owner(context: Context, item: str | None) -> Any:
    """The value in clear; None if there is none or none any more."""
    if item is None:
        return None
    try:
        return await context.reveal(item, RevealPurpose.SHOW_TO_OWNER)
    except PersonErased:
        return None


async def reveal_text(context: Context, item: str | None) -> str | None:
    value = await reveal_for_owner(context, item)
    return None if value is None else str(value)
