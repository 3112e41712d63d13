"""What happened to a bank file, as a notice for operators."""

from chains.sepa.statements import Notice
from wallet.context import Context
from wallet.notices import latest_notices, read_notice, tell

__all__ = ["latest_notices", "read_notice", "record_notice", "tell"]


async def record_notice(context: Context, source: str, notice: Notice) -> None:
    await tell(context, source, notice.file, notice.state.value, notice.reason)
