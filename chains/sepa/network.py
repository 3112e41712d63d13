"""A bank account as a network (`wallet.ports.Network`)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from chains.sepa import address, build, fees, status
from chains.sepa.account import Account
from chains.sepa.decode import PayoutFile, bank_reference, decode, signing_bytes, split_signed, tx_of
from chains.sepa.history import History
from chains.sepa.inbox import Inbox
from chains.sepa.intake import Intake, Report
from chains.sepa.scan import read_block
from chains.sepa.statements import Notice, NoticeState, StatementStore, beginning
from chains.sepa.submit import PayoutTray
from wallet.ids import NetworkId
from wallet.money import Amount, Asset, format_units
from wallet.ports import (
    AddressBook,
    Block,
    BlockRef,
    BlockVanished,
    Branch,
    Capabilities,
    Derived,
    Destination,
    Fate,
    Fee,
    FileSource,
    Instruction,
    Listing,
    NetworkRejected,
    NetworkUnreachable,
    NonceSource,
    Observation,
    Reversal,
    Source,
    Status,
    SubmissionRef,
    Unsigned,
    UtxoSource,
)

CAPABILITIES = Capabilities(
    source=Source.FILE,
    reversal=Reversal.RETURN,
    resend_safe=False,
    sweeps=False,
    customer_pays_fee=False,
    personal_payload=True,
)


class SepaNetwork:
    """`folder` holds `in/`, `out/`, `refused/` and `.staged/`, on one file system. `public_keys` is the payout key, Ed25519
    in hex. `opening_units` is the balance with which the first statement must open. `report` hears each notice once."""

    capabilities = CAPABILITIES

    def __init__(
        self,
        *,
        id: NetworkId,  # noqa: A002 (the port's name for it)
        folder: Path,
        iban: str,
        bic: str | None,
        holder_name: str,
        public_keys: str,
        book: AddressBook,
        statements: StatementStore,
        listings: tuple[Listing, ...],
        opening_units: int = 0,
        report: Report | None = None,
    ) -> None:
        self.id = id
        self.listings = listings
        self.fee_asset = listings[0].asset
        self._account = Account(address.check_destination(Destination(iban, holder_name), "").address, self.fee_asset)
        self._debtor = build.Debtor(self._account, address.check_bic(bic), address.check_name(holder_name))
        self._key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_keys))
        self._book = book
        self._statements = statements
        self._opening_units = opening_units
        self._history = History(statements, self._account)
        self._tray = PayoutTray(folder)
        self._intake = Intake(Inbox(folder, self._account), statements, self._history, opening_units, report)

    @property
    def notices(self) -> tuple[Notice, ...]:
        """What happened to files lately, then the files that wait now."""
        return self._intake.notices

    # ── blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def identity(self) -> str:
        return self._account.iban

    async def tip(self) -> BlockRef:
        """Takes in what has arrived. Height 0 is the account before any statement."""
        try:
            await self._intake.take_in()
        except OSError as error:
            raise _unusable(error) from error
        return await self._last()

    async def final(self) -> BlockRef:
        """What a bank has booked is final; it comes back, if ever, as a movement of its own."""
        return await self._last()

    async def block_ref(self, height: int) -> BlockRef | None:
        if height == 0:
            return beginning(self._account.iban)
        stored = await self._statements.at(height)
        return stored.ref if stored is not None else None

    async def blocks(self, start: int, stop: int) -> AsyncIterator[Block]:
        for height in range(start, stop + 1):
            yield await read_block(height, self._history, self._book, self.id)

    async def observe(self, addresses: Sequence[str], at: BlockRef) -> Observation:  # noqa: ARG002 (one account, no addresses)
        """The closing booked balance of the statement at `at`."""
        if at.height == 0:
            return Observation(beginning(self._account.iban), {self.fee_asset.symbol: self._opening_units})
        stored = await self._statements.at(at.height)
        if stored is None:
            raise BlockVanished(f"there is no statement {at.height}")
        return Observation(stored.ref, {self.fee_asset.symbol: stored.closing_units})

    async def _last(self) -> BlockRef:
        last = await self._statements.last()
        return last.ref if last is not None else beginning(self._account.iban)

    # ── addresses and fees ───────────────────────────────────────────────────────────────────────────────────────────

    def derive(self, branch: Branch, index: int) -> Derived:
        return address.derive(branch, index)

    def check_destination(self, destination: Destination) -> Destination:
        return address.check_destination(destination, self._account.iban)

    async def smallest_payment(self, asset: Asset, destination: Destination) -> Amount:  # noqa: ARG002 (banks carry cents)
        return Amount(1, asset)

    async def estimate_fee(self, asset: Asset) -> Fee:
        return fees.estimate(asset)

    async def next_nonce(self, address: str) -> int:  # noqa: ARG002 (a bank has none)
        return 0

    # ── payouts ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def build(
        self,
        instructions: Sequence[Instruction],
        source: NonceSource | UtxoSource | FileSource,
        fee: Fee,  # noqa: ARG002 (none is known beforehand)
    ) -> Unsigned:
        if not isinstance(source, FileSource):
            raise TypeError("a payout file is named by a message id")
        return build.build(instructions, source, self._debtor)

    def show(self, payload: bytes) -> Mapping[str, object]:
        """Accepts signed and unsigned payloads; names and accounts stay out."""
        xml = payload if payload.startswith(b"<?xml") else split_signed(payload)[1]
        file = decode(xml)
        return {
            "message_id": file.message_id,
            "created_at": file.created_at.isoformat(),
            "payments": [payment.end_to_end for payment in file.payments],
            "total": f"{format_units(file.control_units, self.fee_asset.decimals)} {self.fee_asset.symbol}",
            "sha256": tx_of(xml),
        }

    async def prepare(self, submission: SubmissionRef) -> None:
        file, xml = self._verified(submission)
        await self._on_disk(self._tray.stage, file.message_id, xml)

    async def submit(self, submission: SubmissionRef) -> None:
        file, xml = self._verified(submission)
        await self._on_disk(self._tray.release, file.message_id, xml)

    async def status(self, submission: SubmissionRef) -> Status:
        file, _ = self._verified(submission)
        last = await self._last()
        try:
            block = await status.booked_in(file, self._history, last.height)
        except status.PayoutDisagrees as error:
            await self._intake.tell(Notice(file.message_id, NoticeState.DISAGREES, str(error)))
            return Status(Fate.UNKNOWN)
        place = await asyncio.to_thread(self._tray.place, file.message_id)
        return status.status_of(block, place, Amount(0, self.fee_asset))

    async def close(self) -> None:
        """Holds nothing open."""

    def _verified(self, submission: SubmissionRef) -> tuple[PayoutFile, bytes]:
        """Raises `NetworkRejected` for all but a file of ours, signed by the payout key, under its own name."""
        try:
            signature, xml = split_signed(submission.payload)
            self._key.verify(signature, signing_bytes(xml))
            file = decode(xml)
        except (InvalidSignature, ValueError) as error:
            raise NetworkRejected(f"this is no signed payout file: {type(error).__name__}") from error
        if submission.tx != tx_of(xml) or tuple(map(bank_reference, submission.consumes)) != (file.message_id,):
            raise NetworkRejected("the submission and its payout file do not belong together")
        return file, xml

    async def _on_disk(self, step: Callable[[str, bytes], None], message_id: str, xml: bytes) -> None:
        try:
            await asyncio.to_thread(step, message_id, xml)
        except OSError as error:
            raise _unusable(error) from error


def _unusable(error: OSError) -> NetworkUnreachable:
    return NetworkUnreachable(f"the bank folder cannot be used: {error.strerror}")
