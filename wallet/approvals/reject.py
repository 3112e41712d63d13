"""An operator's no: the withdrawal ends, and its owner has the money back and reads why."""

from wallet.access.keys import Principal
from wallet.approvals.find import asked_view, find_waiting
from wallet.context import Context, Record
from wallet.customers.viewers import viewers_of
from wallet.errors import NotAllowed, Stale
from wallet.journal.change import Change, Committed, EventKind, Update
from wallet.journal.recall import ATTEMPTS_MAX
from wallet.proposals.propose import REASON_MAX
from wallet.withdrawals.cancel import released
from wallet.withdrawals.states import Reason, State, follow
from wallet.withdrawals.view import withdrawal_view


async def reject_withdrawal(context: Context, by: Principal, withdrawal: str, note: str) -> Committed:
    """`note` is for its owner, word for word. Raises `NotFound`, `NotWaiting`."""
    if not note.strip() or len(note) > REASON_MAX:
        raise NotAllowed(f"say why, in at most {REASON_MAX} characters: the customer reads it")
    for _ in range(ATTEMPTS_MAX):
        row, demand = await find_waiting(context, withdrawal)
        try:
            return await context.journal.commit(await _rejection(context, by, row, demand, note))
        except Stale as stale:
            if stale.table == "api_keys":
                raise
            last = stale
    raise last


async def _rejection(context: Context, by: Principal, row: Record, demand: Record, note: str) -> Change:
    values = {"state": follow(State(row["state"]), State.REJECTED).value, "reason": Reason.DECLINED.value}
    decimals = context.asset(row["asset"]).decimals
    after, asked = {**row, **values}, {**demand, "outcome": note}
    return Change(
        actor=by.key,
        kind=EventKind.WITHDRAWAL_REJECTED,
        data={**withdrawal_view(after, decimals), "note": note},
        entry=released(context, row),
        requires=(by.standing,),
        writes=(
            Update("withdrawals", row["id"], row["version"], values),
            Update("demands", demand["id"], demand["version"], {"outcome": note}),
        ),
        viewers=await viewers_of(context, row["owner"]),
        result=asked_view(after, asked, decimals, context.clock.now()),
    )
