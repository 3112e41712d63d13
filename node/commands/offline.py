"""`coffer offline`: a submission goes out to a machine with the seed, and its signed bytes come back."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from chains.signer.offline.order import OfflineRefused, Order, digest_of, read_order, sign_order, taken, words_of_order
from chains.signer.offline.psbt import AccountPublicKeys, psbt_of
from node.commands.ceremony import refusable, seed_from_words
from wallet import durable
from wallet.context import Context
from wallet.errors import NotAllowed
from wallet.networks.halt import network_row
from wallet.ports import Source
from wallet.treasury.offline import reserved_submission, take_signed


async def order_of(context: Context, submission: str) -> Order:
    """What a machine without this database needs. Raises `NotFound`, `NotAllowed`, `SignerUnavailable` for the PSBT."""
    row = await reserved_submission(context, submission)
    payload, network = bytes(row["unsigned"]), context.network(row["network"])
    kind, psbt = "evm", None
    if network.capabilities.source is Source.UTXO:
        keys = str((await network_row(context, row["network"]))["public_keys"])
        fingerprint = (await context.signer.status()).fingerprint
        coin = int(str(row["paths"][0]).split("/")[2].rstrip("'"))
        kind, psbt = "bitcoin", psbt_of(payload, fingerprint or "00000000", AccountPublicKeys(keys, coin))
    paths = tuple(row["paths"])
    return Order(kind, row["network"], row["id"], row["purpose"], row["source"], paths, payload.hex(), psbt)


async def take_back(context: Context, submission: str, file: Path) -> str:
    """The id of the tx. Raises `Stale`, as `order_of`, and `NotAllowed` for all but the reserved tx, signed by its keys."""
    row = await reserved_submission(context, submission)
    order = await order_of(context, submission)
    try:
        done = taken(order, _signed_in(file))
    except OfflineRefused as refusal:
        raise NotAllowed(str(refusal)) from None
    await take_signed(context, row, done)
    return done.tx


def _signed_in(file: Path) -> bytes:
    try:
        return bytes.fromhex(file.read_text(encoding="ascii").strip().removeprefix("0x"))
    except ValueError:
        raise OfflineRefused(f"{file} holds no signed tx in hexadecimal digits") from None


def write_order(file: Path, order: Order) -> None:
    durable.replace(file, json.dumps(asdict(order), indent=2).encode() + b"\n")


def show(file: Path, *, as_json: bool) -> int:
    """Needs nothing but the file."""

    def shown() -> int:
        order = read_order(file.read_bytes())
        lines = words_of_order(order)
        print(json.dumps({"words": lines, "digest": digest_of(order)}) if as_json else "\n".join(lines))  # noqa: T201
        return 0

    return _refusable(shown)


def sign(file: Path, out: Path, descriptor: int | None) -> int:
    """Shows what it does first; the words come from the people at the terminal."""

    def signed() -> int:
        order = read_order(file.read_bytes())
        sys.stderr.write("\n".join(words_of_order(order)) + "\n")
        done = sign_order(order, seed_from_words(descriptor))
        durable.replace(out, done.payload.hex().encode() + b"\n")
        print(f"{out}: {done.tx}")  # noqa: T201 (a command's result)
        return 0

    return _refusable(signed)


def _refusable(work: Callable[[], int]) -> int:
    def judged() -> int:
        try:
            return work()
        except ValueError as refusal:
            sys.stderr.write(f"coffer: {refusal}\n")
            return 1

    return refusable(judged)
