"""An operator's yes to one withdrawal: their own signature over its digest, counted once for each person."""

import msgspec

from wallet.access.keys import Principal
from wallet.approvals.act import act_of
from wallet.approvals.approvers import standing_key
from wallet.approvals.find import asked_view, find_asked, find_waiting
from wallet.context import Context, Record
from wallet.customers.viewers import viewers_of
from wallet.errors import OtherAct, OwnWithdrawal, Stale
from wallet.journal.body import time_text
from wallet.journal.change import Change, Committed, EventKind, Requirement, Update
from wallet.journal.recall import ATTEMPTS_MAX
from wallet.proposals.approve import ActSignature, verified
from wallet.vault.items import ItemKind, SealedItem


async def approve_withdrawal(
    context: Context, by: Principal, withdrawal: str, digest: str, signed: ActSignature
) -> Committed:
    """Yes to the withdrawal with this digest. Repeating it changes nothing. Raises `NotFound`, `NotWaiting`, `OtherAct`,
    `OwnWithdrawal`, and `NotAllowed` for a signature that is none, a key that is not this operator's, or a role that is
    younger than the request."""
    for _ in range(ATTEMPTS_MAX):
        row, demand = await find_asked(context, withdrawal)
        if _has_said(demand, by, signed):
            return Committed(0, row["created_at"], _view(context, row, demand), replayed=True)
        row, demand = await find_waiting(context, withdrawal)
        change = await _approval(context, by, row, demand, digest, signed)
        try:
            done = await context.journal.commit(change)
        except Stale as stale:
            if stale.table == "api_keys":
                raise
            last = stale
        else:
            return done
    raise last


def _has_said(demand: Record, by: Principal, signed: ActSignature) -> bool:
    said: bool = demand["approvals"].get(by.owner, {}).get("key") == signed.key
    return said


async def _approval(
    context: Context, by: Principal, row: Record, demand: Record, digest: str, signed: ActSignature
) -> Change:
    act = await act_of(context, row)
    if act.digest.hex() != digest:
        raise OtherAct(row["id"])
    if by.owner in demand["not_by"]:
        raise OwnWithdrawal(row["id"])
    key = await standing_key(context, by.owner, signed.key, row["created_at"])
    given, sealed = _given(context, row, verified(signed, act.digest))
    approvals = {**demand["approvals"], by.owner: given}
    missing = max(demand["needed"] - len(approvals), 0)
    after, asked = {**row, "approvals_missing": missing}, {**demand, "approvals": approvals}
    change = Change(
        by.key,
        EventKind.WITHDRAWAL_APPROVAL_GIVEN,
        {"id": row["id"], "operator": by.owner, "missing": missing},
        requires=(by.standing, Requirement("approval_keys", key["id"], key["version"])),
        writes=(
            Update("demands", demand["id"], demand["version"], {"approvals": approvals}),
            Update("withdrawals", row["id"], row["version"], {"approvals_missing": missing}),
        ),
        vault=(sealed,) if sealed else (),
        result=_view(context, after, asked),
    )
    if missing:
        return change
    told = {"id": row["id"], "customer": row["owner"]}
    viewers = await viewers_of(context, row["owner"])
    return msgspec.structs.replace(change, kind=EventKind.WITHDRAWAL_APPROVED, data=told, viewers=viewers)


def _given(context: Context, row: Record, signed: ActSignature) -> tuple[dict[str, str], SealedItem | None]:
    """Of a bank account the signature goes into the vault: who has key and signature can try account numbers for ever."""
    at = {"key": signed.key, "at": time_text(context.clock.now())}
    if row["destination_item"] is None:
        return {**at, "signature": signed.signature}, None
    sealed = context.seal(row["owner"], ItemKind.APPROVAL, signed.signature)
    return {**at, "item": sealed.id}, sealed


def _view(context: Context, row: Record, demand: Record) -> dict[str, object]:
    return asked_view(row, demand, context.asset(row["asset"]).decimals, context.clock.now())
