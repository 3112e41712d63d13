"""Take signed bytes of a reserved submission that came from elsewhere than the signer. The caller has compared them."""

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotAllowed, NotFound
from wallet.ids import NetworkId
from wallet.ports import Signed, SubmissionRef
from wallet.treasury.record import record_signed
from wallet.treasury.states import State
from wallet.treasury.submissions import paid_by


async def reserved_submission(context: Context, submission: str) -> Record:
    """Raises `NotFound`, and `NotAllowed` for one that is signed, ended or being given up."""
    row = await context.one(select(schema.submissions).where(schema.submissions.c.id == submission))
    if row is None:
        raise NotFound("submission", submission)
    if row["state"] != State.RESERVED or row["unsigned"] is None:
        raise NotAllowed(
            f"{submission} is {row['state']}: only what is reserved on a chain and not signed yet is signed offline"
        )
    return row


async def take_signed(context: Context, row: Record, signed: Signed) -> Record:
    """From the commit on these bytes and no others are sent. Raises `Stale` where the signer was faster."""
    network, withdrawals = context.network(NetworkId(row["network"])), await paid_by(context, row["id"])
    references = tuple(one["id"] for one in withdrawals)
    await network.prepare(SubmissionRef(row["id"], signed.tx, signed.payload, tuple(row["consumes"]), references))
    return await record_signed(context, network, row, withdrawals, signed.payload, signed.tx)
