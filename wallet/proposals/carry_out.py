"""Carry out what is approved, each kind by the noun that it is about, and end what nobody wanted in time."""

from typing import assert_never

import structlog
from sqlalchemy import select

from wallet import schema
from wallet.approvals.approvers import enrol_approver
from wallet.context import Context, Record
from wallet.deposits.adopt import adopt_deposit
from wallet.errors import Refusal, Stale
from wallet.listings.list_token import list_token, resume_token
from wallet.payout_contracts.set_up import set_up_payouts
from wallet.policy.versions import adopt_policy
from wallet.ports import NetworkError, SignerUnavailable
from wallet.proposals.end import expire, fail
from wallet.proposals.states import OPEN, Kind, State
from wallet.strays.credit import credit_stray
from wallet.strays.recover import recover_stray

_log = structlog.get_logger("proposals")


async def carry_out_proposals(context: Context) -> None:
    """One step for each that is open, oldest first. One that cannot go on now stops no other."""
    table = schema.proposals
    for row in await context.all(select(table).where(table.c.state.in_(OPEN)).order_by(table.c.id)):
        if context.clock.now() >= row["expires_at"]:
            await expire(context, row)
        elif row["state"] == State.APPROVED:
            await _step(context, row)


async def _step(context: Context, row: Record) -> None:
    """What the world does not allow now is tried again until the time is over; what it never will is the end."""
    try:
        await _carry_out(context, row)
    except Stale:
        _log.info("step_taken_elsewhere", proposal=row["id"])
    except (NetworkError, SignerUnavailable) as wait:
        _log.warning("proposal_waits", proposal=row["id"], why=str(wait))
    except Refusal as refusal:
        await fail(context, row, refusal.message)


async def _carry_out(context: Context, row: Record) -> None:
    kind = Kind(row["kind"])
    match kind:
        case Kind.LIST_TOKEN:
            await list_token(context, row)
        case Kind.RESUME_TOKEN:
            await resume_token(context, row)
        case Kind.ADOPT_DEPOSIT:
            await adopt_deposit(context, row)
        case Kind.CREDIT_STRAY:
            await credit_stray(context, row)
        case Kind.RECOVER_STRAY:
            await recover_stray(context, row)
        case Kind.SET_UP_PAYOUTS:
            await set_up_payouts(context, row)
        case Kind.CHANGE_POLICY:
            await adopt_policy(context, row)
        case Kind.ENROL_APPROVER:
            await enrol_approver(context, row)
        case _:
            assert_never(kind)
