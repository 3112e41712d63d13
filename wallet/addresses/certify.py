"""Have the signer vouch for addresses after they were handed out, many at a time, and find an address's certificate again.

The pass goes by the places at which addresses were committed (`wallet.addresses.book`), so that it reads what is new alone. An
address that is nobody's is vouched for when it is given to somebody.
"""

import structlog
from sqlalchemy import or_, select

from wallet import schema
from wallet.addresses.certificate import (
    ENTRIES_MAX,
    Certificate,
    Certifying,
    Entry,
    Vouched,
    certificate_of,
    leaf_of,
    owner_digest,
)
from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import AlreadyExists
from wallet.ids import NetworkId
from wallet.journal.body import time_text
from wallet.journal.change import Change, EventKind, Insert
from wallet.ledger.accounts import NOBODY
from wallet.ports import SignerRefused, Source

_TABLE = schema.address_certificates
_log = structlog.get_logger("certificates")


async def certify_addresses(context: Context) -> None:
    """One batch of what is new and one of what was given since. An address that the signer does not find below its keys gets
    none, and is told of: the books were changed by hand. Raises `SignerUnavailable`."""
    if isinstance(context.signer, Certifying):
        await _certify_new(context, context.signer)
        await _certify_given(context, context.signer)


async def _certify_new(context: Context, signer: Certifying) -> None:
    addresses = schema.addresses
    rows = await context.all(
        select(addresses)
        .where(addresses.c.position > await _certified_upto(context))
        .order_by(addresses.c.position)
        .limit(ENTRIES_MAX)
    )
    owned = [row for row in rows if row["owner"] != NOBODY and _has_keys(context, row["network"])]
    if not owned and len(rows) < ENTRIES_MAX:
        return
    first, last = rows[0]["position"], rows[-1]["position"]
    await _commit(context, signer, f"cer_{first:020}", (first, last), owned)


async def _certify_given(context: Context, signer: Certifying) -> None:
    """Rows that changed: an address changes only when it is given to somebody."""
    addresses = schema.addresses
    known = select(_TABLE.c.id).where(_TABLE.c.id == "cer_" + addresses.c.id).exists()
    upto = await _certified_upto(context)
    wanted = select(addresses).where(
        addresses.c.version > 1, addresses.c.owner != NOBODY, addresses.c.position <= upto, ~known
    )
    rows = await context.all(wanted.limit(ENTRIES_MAX))
    given = [row for row in rows if _has_keys(context, row["network"])]
    for row in given:
        await _commit(context, signer, f"cer_{row['id']}", (row["position"], row["position"]), [row])


async def _certified_upto(context: Context) -> int:
    row = await context.one(select(_TABLE.c.last_position).order_by(_TABLE.c.last_position.desc()).limit(1))
    return 0 if row is None else int(row["last_position"])


def _has_keys(context: Context, network: str) -> bool:
    running = context.networks.get(NetworkId(network))
    return running is not None and running.capabilities.source is not Source.FILE


async def _commit(context: Context, signer: Certifying, name: str, places: tuple[int, int], rows: list[Record]) -> None:
    entries, vouched = await _vouched(signer, [entry_of(row) for row in rows])
    row = {
        "id": name,
        "first_position": places[0],
        "last_position": places[1],
        "leaves": b"".join(map(leaf_of, entries)),
        "key": "" if vouched is None else vouched.key,
        "signature": "" if vouched is None else vouched.signature,
        "at": context.clock.now(),
    }
    data = {"certificate": name, "addresses": len(entries)}
    try:
        await context.journal.commit(
            Change(ACTOR_NODE, EventKind.ADDRESSES_CERTIFIED, data, writes=(Insert("address_certificates", row),))
        )
    except AlreadyExists:
        _log.info("certified_elsewhere", certificate=name)


async def _vouched(signer: Certifying, entries: list[Entry]) -> tuple[list[Entry], Vouched | None]:
    """Without those that are not ours."""
    try:
        return entries, await signer.certify(entries) if entries else None
    except SignerRefused:
        ours = [entry for entry in entries if await _is_ours(signer, entry)]
        return ours, await signer.certify(ours) if ours else None


async def _is_ours(signer: Certifying, entry: Entry) -> bool:
    try:
        await signer.certify([entry])
    except SignerRefused as refusal:
        _log.error("address_not_ours", network=entry.network, path=entry.path, reason=str(refusal))
        return False
    return True


def entry_of(row: Record) -> Entry:
    """What a row of the address book says."""
    at = time_text(row["created_at"])
    return Entry(row["network"], row["address"], row["path"], owner_digest(row["owner"]), at)


async def find_certificate(context: Context, address: Record) -> Certificate | None:
    """None while there is none, or where the books say something else by now than what the signer vouched for."""
    place = address["position"]
    covering = or_(_TABLE.c.id == f"cer_{address['id']}", (_TABLE.c.first_position <= place))
    wanted = select(_TABLE).where(_TABLE.c.last_position >= place, covering).order_by(_TABLE.c.last_position).limit(2)
    entry = entry_of(address)
    for row in await context.all(wanted):
        if row["leaves"]:
            found = certificate_of(entry, bytes(row["leaves"]), row["key"], row["signature"])
            if found is not None:
                return found
    return None
