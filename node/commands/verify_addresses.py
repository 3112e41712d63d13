"""`coffer verify`, the addresses: each derived again from public keys, each certificate checked. So a deposit address that
somebody put into the database is found before anybody is paid there."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from sqlalchemy import func, select

from wallet import schema
from wallet.addresses.certificate import is_signed, leaf_of, split_leaves
from wallet.addresses.certify import entry_of
from wallet.context import Context, Record
from wallet.ids import NetworkId
from wallet.ledger.accounts import NOBODY
from wallet.ports import Branch, Network, SignerUnavailable, Source
from wallet.proofs.broken import BooksBroken

Say = Callable[[str], None]

PAGE = 2_000
_PLACE = re.compile(r"m/(\d+)'/\d+'/(\d+)'/0/(\d+)", re.ASCII)
_P2TR = "86"


@dataclass(frozen=True, slots=True)
class AddressProof:
    """`derived` from public keys; `later_hot` are the house's later hot addresses, whose accounts no public key here leads to;
    `certified` by the signer's key, `waiting` without a certificate yet."""

    derived: int
    later_hot: int
    certified: int
    waiting: int
    key: str | None


async def prove_addresses(context: Context, say: Say) -> AddressProof:
    """Raises `BooksBroken` for the first address or certificate that is not what it should be."""
    key = await _certificate_key(context)
    if key is None:
        say("the signer does not answer: certificates are compared with the key in the books")
    proving = _Proving(context, say, await _count(context), key)
    after = 0
    while rows := await _page(context, after):
        await proving.take(rows)
        after = rows[-1]["position"]
    return proving.proof()


async def _certificate_key(context: Context) -> str | None:
    """From the signer itself: what the database says of it proves nothing against whoever writes there."""
    try:
        return (await context.signer.status()).certificate_key
    except SignerUnavailable:
        return None


async def _count(context: Context) -> int:
    row = await context.one(select(func.count().label("count")).select_from(schema.addresses))
    return int(row["count"]) if row else 0


async def _page(context: Context, after: int) -> list[Record]:
    table = schema.addresses
    return await context.all(select(table).where(table.c.position > after).order_by(table.c.position).limit(PAGE))


class _Proving:
    """Counts, and keeps the leaves of the batches that cover the page."""

    def __init__(self, context: Context, say: Say, total: int, key: str | None) -> None:
        self._context, self._say, self._total, self._key = context, say, total, key
        self._started, self._done = perf_counter(), 0
        self._derived = self._later_hot = self._certified = self._waiting = 0

    async def take(self, rows: list[Record]) -> None:
        leaves, upto = await self._leaves(rows[0]["position"], rows[-1]["position"])
        for row in rows:
            self._derive(row)
            self._certificate(row, leaves, upto)
        self._done += len(rows)
        spent_ms = max(int((perf_counter() - self._started) * 1000), 1)
        rate = self._done * 1000 // spent_ms
        self._say(f"addresses: {self._done:,} of {self._total:,} derived again, {rate:,} a second")

    def proof(self) -> AddressProof:
        return AddressProof(self._derived, self._later_hot, self._certified, self._waiting, self._key)

    def _derive(self, row: Record) -> None:
        network = self._context.networks.get(NetworkId(row["network"]))
        if network is None or network.capabilities.source is Source.FILE:
            return
        place = _PLACE.fullmatch(row["path"])
        if place is None:
            raise BooksBroken(f"address {row['id']} has a path that is none of ours")
        found = _derived(network, place)
        if found is None:
            self._later_hot += 1
        elif (found.address, found.path) != (row["address"], row["path"]):
            raise BooksBroken(f"address {row['id']} is not at its path: {row['address']} is not ours")
        else:
            self._derived += 1

    async def _leaves(self, first: int, last: int) -> tuple[set[bytes], int]:
        """Of all signed batches that touch these positions, and the last position that was ever certified."""
        table = schema.address_certificates
        touching = select(table).where(table.c.last_position >= first, table.c.first_position <= last)
        leaves: set[bytes] = set()
        for batch in await self._context.all(touching):
            octets = bytes(batch["leaves"])
            if not octets:
                continue
            if self._key is not None and batch["key"] != self._key:
                raise BooksBroken(f"certificate {batch['id']} was signed by another key than the signer's")
            if not is_signed(octets, batch["key"], batch["signature"]):
                raise BooksBroken(f"certificate {batch['id']} has a wrong signature")
            leaves.update(split_leaves(octets))
        end = await self._context.one(select(func.max(table.c.last_position).label("last")))
        return leaves, int(end["last"] or 0) if end else 0

    def _certificate(self, row: Record, leaves: set[bytes], upto: int) -> None:
        network = self._context.networks.get(NetworkId(row["network"]))
        if row["owner"] == NOBODY or network is None or network.capabilities.source is Source.FILE:
            return
        if leaf_of(entry_of(row)) in leaves:
            self._certified += 1
        elif row["position"] > upto or row["version"] > 1:
            self._waiting += 1
        else:
            raise BooksBroken(f"address {row['id']} is not what the signer vouched for: it was changed, or is not ours")


def _derived(network: Network, place: re.Match[str]) -> Any:
    """None for a later hot key."""
    purpose, account, index = place.group(1), int(place.group(2)), int(place.group(3))
    if account > 1:
        return None
    branch = Branch.HOUSE if account else Branch.DEPOSIT_TAPROOT if purpose == _P2TR else Branch.DEPOSIT
    return network.derive(branch, index)
