"""Submissions as they are stored: looked up, their bytes unsealed, and the request to the signer made of them again."""

from sqlalchemy import select

from wallet import schema
from wallet.approvals.signatures import approvals_for
from wallet.context import Context, Record
from wallet.errors import Stale
from wallet.ids import NetworkId, SubmissionId
from wallet.money import format_units
from wallet.ports import Purpose, SignRequest, SubmissionRef
from wallet.treasury.recoveries import approved, recovery_of
from wallet.treasury.states import DRIVEN, OPEN, WITHDRAWAL_STATES, State
from wallet.vault.vault import RevealPurpose


async def open_submissions(context: Context, network: NetworkId) -> list[Record]:
    """Those that something is still to be done for."""
    table = schema.submissions
    return await context.all(
        select(table).where(table.c.network == network, table.c.state.in_(DRIVEN)).order_by(table.c.id)
    )


async def paid_by(context: Context, submission: str) -> list[Record]:
    """The withdrawals that this submission pays."""
    links, table = schema.submission_withdrawals, schema.withdrawals
    joined = select(table).join(links, links.c.withdrawal == table.c.id).where(links.c.submission == submission)
    return await context.all(joined.order_by(table.c.id))


_COURSE = tuple(WITHDRAWAL_STATES.values())


def refuse_torn(row: Record, withdrawals: list[Record]) -> None:
    """Raises `Stale` where another worker has taken a step after the submission was read and before its withdrawals were:
    they are ahead of it."""
    if row["state"] not in OPEN:
        return
    place = _COURSE.index(WITHDRAWAL_STATES[State(row["state"])])
    if any(withdrawal["state"] in _COURSE[place + 1 :] for withdrawal in withdrawals):
        raise Stale("submissions", row["id"])


async def payload(context: Context, row: Record, which: str) -> bytes:
    """The unsigned or signed bytes, unsealed where they name people."""
    item = row[f"{which}_item"]
    if item is not None:
        return await context.reveal_bytes(item, RevealPurpose.SUBMIT)
    return bytes(row[which])


async def stored_request(context: Context, row: Record, withdrawals: list[Record]) -> SignRequest:
    """The same request again, byte for byte, after any interruption."""
    unsigned = await payload(context, row, "unsigned")
    references = tuple(w["id"] for w in withdrawals)
    network, purpose = NetworkId(row["network"]), Purpose(row["purpose"])
    given = await approvals_for(context, withdrawals)
    request = SignRequest(SubmissionId(row["id"]), network, purpose, references, unsigned, tuple(row["paths"]), given)
    return approved(request, await recovery_of(context, row))


async def reference(context: Context, row: Record, withdrawals: list[Record]) -> SubmissionRef:
    signed = await payload(context, row, "signed")
    references = tuple(w["id"] for w in withdrawals)
    return SubmissionRef(SubmissionId(row["id"]), row["tx"], signed, tuple(row["consumes"]), references)


def submission_view(context: Context, row: Record) -> dict[str, object]:
    """As operators read of it."""
    decimals = context.asset(row["asset"]).decimals
    return {
        "id": row["id"],
        "network": row["network"],
        "purpose": row["purpose"],
        "status": row["state"],
        "asset": row["asset"],
        "amount": format_units(row["units"], decimals),
        "tx": tx_that_counts(row),
    }


def tx_that_counts(row: Record) -> str | None:
    """The tx that a block shows, or the first one."""
    tx: str | None = row["mined"] or row["tx"]
    return tx
