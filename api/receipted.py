"""Receipts in answers: whoever moves money by a request is told so with a proof that needs nobody's word later."""

from pydantic import Field

from api.schema import Moment, Shown
from wallet.context import Context, driver_connection
from wallet.journal.change import Committed
from wallet.journal.find_receipt import find_receipt
from wallet.journal.receipts import Receipt


class ReceiptView(Shown):
    """Hashes and signature in hex. Check it with `coffer receipt verify`, or as docs/running.md describes."""

    claim: str = Field(description="What was accepted, as the JSON text that was hashed: time, kind, request, result.")
    chain: str = Field(description="The Change's hash in the journal.")
    index: int = Field(description="Its place among the Changes of its batch.")
    size: int
    path: list[str] = Field(description="The hashes beside the way from its leaf to the batch's root (RFC 9162).")
    head: str = Field(description="The hash of the batch's last Change.")
    at: Moment
    key: str = Field(description="The Ed25519 key that signed; `/v1/node` tells this node's own.")
    signature: str


class Receipted(Shown):
    """An answer to a request that moved money."""

    receipt: ReceiptView | None = Field(
        default=None,
        description="The node's signed proof that it accepted this request. Null if it is from before receipts were made.",
    )


async def receipt_of(context: Context, done: Committed) -> str:
    """As JSON: at hand right after the commit and for a while, later made again from what is stored."""
    receipt = context.journal.recent_receipt(done.seq) if done.receipt is None else done.receipt()
    if receipt is not None or done.receipt is not None:
        return _json(receipt)
    async with driver_connection(context) as connection:
        return _json(await find_receipt(connection, done.seq))


def _json(receipt: Receipt | None) -> str:
    return "null" if receipt is None else receipt.to_json()
