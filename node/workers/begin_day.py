"""Let the Journal's time pass midnight where nothing else happens, so that yesterday's files can be had."""

from wallet.context import Context
from wallet.journal.begin_day import begin_day


async def begin_present_day(context: Context) -> None:
    await begin_day(context)
