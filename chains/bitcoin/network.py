"""A chain of the Bitcoin family behind one node of its own, as the wallet sees every network."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from chains.bitcoin import build as building
from chains.bitcoin import decode, fees, observe, rebuild, scan, status, submit
from chains.bitcoin.address import AccountKeys, check_destination
from chains.bitcoin.mempool import Mempool
from chains.bitcoin.parameters import DECIMALS, Chain, chain_named
from chains.bitcoin.proven import ProvenHeaders
from chains.rpc.client import JsonRpc
from wallet.ids import NetworkId
from wallet.money import Amount, Asset
from wallet.ports import (
    AddressBook,
    Block,
    BlockRef,
    Branch,
    Bumping,
    Capabilities,
    Derived,
    Destination,
    Fee,
    FileSource,
    Incoming,
    Instruction,
    Listing,
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
from wallet.ports.announcing import Departure
from wallet.ports.providers import ProviderView

RATE_MAX_DEFAULT: Final = 500_000  # units per 1,000 virtual bytes: above any hour of Bitcoin's history but a few
FEE_UNITS_MAX_DEFAULT: Final = 1_000_000  # 0.01 coins for one tx
BUMPING: Final = Bumping(after_s=3_600, times=5)  # the estimate is for an hour
P2WPKH, P2TR = "p2wpkh", "p2tr"
_KINDS: Final = {P2WPKH: Branch.DEPOSIT, P2TR: Branch.DEPOSIT_TAPROOT}
SCAN_TIMEOUT_S: Final = 900  # scantxoutset reads the whole set: minutes on the main chain


class UtxoNetwork:
    """Implements `wallet.ports.Network`, `Gathering`, `Replacing` and `wallet.ports.announcing.Announcing`.

    `chain` is one of the family, by the name that it has in `parameters`. `public_keys` is "deposit-xpub house-xpub
    taproot-deposit-xpub". The node's RPC is entered with `user` and `password`, or with the `cookie_file` that it
    writes at each start. `address_kind` is given to customers who ask for no other, "p2wpkh" or "p2tr". `rate_max` and
    `fee_units_max` bound every fee (units per 1,000 virtual bytes; units per tx). `bumping`: when what is stuck is replaced
    at a higher fee by itself. Raises `ValueError` for settings that contradict each other.
    """

    def __init__(
        self,
        *,
        id: NetworkId,  # noqa: A002  the port's own name for it
        url: str,
        chain: Chain | str,
        confirmations: int,
        public_keys: str,
        book: AddressBook,
        listings: Sequence[Listing],
        user: str | None = None,
        password: str | None = None,
        cookie_file: Path | None = None,
        address_kind: str = P2WPKH,
        rate_max: int = RATE_MAX_DEFAULT,
        fee_units_max: int = FEE_UNITS_MAX_DEFAULT,
        timeout_s: int = 30,
        calls_per_s: int | None = None,
        bumping: Bumping | None = BUMPING,
    ) -> None:
        if confirmations < 1:
            raise ValueError("a block is final after one confirmation at the least")
        self.id = id
        self.listings = tuple(listings)
        self.fee_asset = _only_asset(self.listings)
        self._chain = chain if isinstance(chain, Chain) else chain_named(chain)
        self._confirmations = confirmations
        self._keys = AccountKeys(public_keys, self._chain)
        self.capabilities = replace(_capabilities(self._keys, address_kind, confirmations), bumping=bumping)
        self._book = book
        self._rate_max = rate_max
        self._fee_units_max = fee_units_max
        self._proven = ProvenHeaders(self._chain)
        self._mempool = Mempool(id, self._chain, self.fee_asset)
        login = _Login(user, password, cookie_file)
        self._rpc = JsonRpc(url, timeout_s=timeout_s, credentials=login, calls_per_s=calls_per_s)
        self._slow_rpc = JsonRpc(url, timeout_s=SCAN_TIMEOUT_S, credentials=login)

    async def identity(self) -> str:
        return await scan.identity(self._rpc, self._chain)

    async def tip(self) -> BlockRef:
        return await scan.tip(self._rpc)

    async def final(self) -> BlockRef | None:
        return await scan.final(self._rpc, self._confirmations)

    async def block_ref(self, height: int) -> BlockRef | None:
        return await scan.block_ref(self._rpc, height)

    def blocks(self, start: int, stop: int) -> AsyncIterator[Block]:
        return scan.blocks(
            self._rpc, start, stop, network=self.id, proven=self._proven, asset=self.fee_asset, book=self._book
        )

    def derive(self, branch: Branch, index: int) -> Derived:
        return self._keys.derive(branch, index)

    def check_destination(self, destination: Destination) -> Destination:
        return check_destination(destination, self._chain)

    async def estimate_fee(self, asset: Asset) -> Fee:
        self._check_asset(asset)
        return await fees.estimate_fee(self._rpc, asset=asset, rate_max=self._rate_max)

    async def smallest_payment(self, asset: Asset, destination: Destination) -> Amount:
        """The least that the network relays to this destination; anything below is dust. Raises `ValueError`."""
        self._check_asset(asset)
        dust_rate = await fees.dust_rate(self._rpc)
        return Amount(building.smallest_payment(destination.address, self._chain, dust_rate), self.fee_asset)

    async def next_nonce(self, address: str) -> int:  # noqa: ARG002  the port asks; coins are not counted
        return 0

    async def build(
        self, instructions: Sequence[Instruction], source: NonceSource | UtxoSource | FileSource, fee: Fee
    ) -> Unsigned:
        """Also raises `ValueError` for dust, a foreign asset, and a fee above the bounds."""
        if not isinstance(source, UtxoSource):
            raise TypeError("a tx here spends unspent outputs")
        bounds = await self._bounds()
        return building.build(
            instructions, source, rate=fee.rate, asset=self.fee_asset, chain=self._chain, bounds=bounds
        )

    async def _bounds(self) -> building.Bounds:
        return building.Bounds(
            rate_max=self._rate_max,
            fee_units_max=self._fee_units_max,
            dust_rate=await fees.dust_rate(self._rpc),
            long_term_rate=await fees.long_term_rate(self._rpc, rate_max=self._rate_max),
        )

    async def later_rate(self) -> int:
        return await fees.long_term_rate(self._rpc, rate_max=self._rate_max)

    async def gather(self, source: UtxoSource, fee: Fee) -> Unsigned:
        return building.gather(
            source, rate=fee.rate, asset=self.fee_asset, chain=self._chain, bounds=await self._bounds()
        )

    async def raise_fee(self, unsigned: bytes, consumes: Sequence[str], *, urgent: bool) -> Unsigned | None:  # noqa: ARG002
        """As `wallet.ports.Replacing`: the inputs stand in the payload."""
        bounds = await self._bounds()
        return await rebuild.raise_fee(self._rpc, unsigned, asset=self.fee_asset, bounds=bounds, urgent=urgent)

    def show(self, payload: bytes) -> Mapping[str, object]:
        return decode.show(payload, self._chain)

    async def prepare(self, submission: SubmissionRef) -> None:
        """Nothing: the same bytes may be sent as often as needed."""

    async def submit(self, submission: SubmissionRef) -> None:
        await submit.submit(self._rpc, submission)

    async def status(self, submission: SubmissionRef) -> Status:
        return await status.status(self._rpc, submission, confirmations=self._confirmations, asset=self.fee_asset)

    async def observe(self, addresses: Sequence[str], at: BlockRef) -> Observation:  # noqa: ARG002  the tip only
        return await observe.observe(self._slow_rpc, addresses, self.fee_asset, self._chain)

    def providers(self) -> tuple[ProviderView, ...]:
        return (self._rpc.view(),)

    async def announced(self) -> tuple[Incoming, ...]:
        return await self._mempool.look(self._rpc, self._book)

    async def departure(self, tx: str) -> Departure | None:
        return await self._mempool.departure(self._rpc, tx)

    async def close(self) -> None:
        await self._rpc.close()
        await self._slow_rpc.close()

    def _check_asset(self, asset: Asset) -> None:
        if asset != self.fee_asset:
            raise ValueError(f"this network carries {self.fee_asset.symbol} only")


def _capabilities(keys: AccountKeys, address_kind: str, confirmations: int) -> Capabilities:
    """Raises `ValueError` for a kind of address that the public keys at hand cannot make."""
    kinds = {kind: branch for kind, branch in _KINDS.items() if branch in keys.branches}
    if address_kind not in kinds:
        raise ValueError(f"the kind of address is one of {', '.join(kinds)}")
    return Capabilities(
        source=Source.UTXO,
        reversal=Reversal.REORG,
        resend_safe=True,
        sweeps=False,
        customer_pays_fee=True,
        personal_payload=False,
        address_kinds={address_kind: kinds[address_kind], **kinds},
        confirmations=confirmations,
        batch_max=building.BATCH_MAX,
    )


class _Login:
    """User and password for each request. A cookie is read each time: the node writes a new one at every start."""

    def __init__(self, user: str | None, password: str | None, cookie_file: Path | None) -> None:
        if (cookie_file is None) == (user is None or password is None):
            raise ValueError("the node is entered with user and password, or with a cookie file")
        self._pair = (user or "", password or "")
        self._cookie_file = cookie_file

    def __call__(self) -> tuple[str, str]:
        if self._cookie_file is None:
            return self._pair
        try:
            user, _, password = self._cookie_file.read_text().strip().partition(":")
        except OSError as error:
            raise NetworkUnreachable("the node's cookie file cannot be read: is it running?") from error
        return user, password


def _only_asset(listings: Sequence[Listing]) -> Asset:
    match listings:
        case [Listing(asset=Asset(decimals=8) as asset, contract=None, decimals=8)]:
            return asset
        case _:
            raise ValueError(f"a chain of the Bitcoin family lists one asset of {DECIMALS} decimals and no contract")
