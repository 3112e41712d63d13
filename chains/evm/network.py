"""One EVM chain behind one provider, as `wallet.ports.Network`."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace

from eth_hash.auto import keccak

from chains.child_keys import INDEX_MAX
from chains.evm import build, build_payout, fees, observe, rebuild, recipient, recover, show, status, submit
from chains.evm.address import AddressTree, parse_address, parse_destination
from chains.evm.balances import read_balances
from chains.evm.block_proof import Proofs
from chains.evm.build import Payment
from chains.evm.chain import Chain
from chains.evm.code import token_facts
from chains.evm.listings import chain_units, read_listings
from chains.evm.payout import Creation, created_address, deployed_code
from chains.evm.scan import Scan
from chains.evm.token import DECIMALS_CALL, parse_word
from chains.evm.wire import HeaderAnswer, is_failure, quantity, unread
from chains.rpc.client import JsonRpc, RpcError
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
    Instruction,
    Listing,
    NetworkMismatch,
    NetworkRejected,
    NonceSource,
    NotTogether,
    Observation,
    Reversal,
    Source,
    Status,
    SubmissionRef,
    Unsigned,
    UtxoSource,
)
from wallet.ports.payout_contracts import PayoutSetup
from wallet.ports.providers import ProviderView
from wallet.ports.recipients import Recipient
from wallet.ports.tokens import StrayTransfer, TokenFacts

TOGETHER_MAX = 50  # withdrawals in one payout; twice as many would save less than one part in a hundred more
GAS_LIMIT_MAX = 500_000  # a token's transfer uses 30,000 to 100,000; some with hooks twice that

# 15 slots of Ethereum's; five raises of a tenth and more, each to the price of its time, pass any usual day's.
BUMPING = Bumping(after_s=180, times=5)
CAPABILITIES = Capabilities(
    source=Source.NONCE,
    reversal=Reversal.REORG,
    resend_safe=True,
    sweeps=True,
    customer_pays_fee=False,
    personal_payload=False,
)


class EvmNetwork:
    """`public_keys` are "deposit-xpub house-xpub"; `max_fee_per_gas_wei` caps what we ever offer per unit of gas. `traces`
    tells whether the node can say what contracts move (`trace_block`); None finds out. `confirmations` is the policy of a
    chain that has no `finalized` block; None asks for that block, and nothing else is final. `bumping`: when what is stuck is
    replaced at a higher fee by itself.

    Raises `ValueError` at construction for listings or keys that do not fit.
    """

    def __init__(
        self,
        *,
        id: NetworkId,  # noqa: A002  the port names it so
        url: str,
        chain_id: int,
        listings: Sequence[Listing],
        public_keys: str,
        book: AddressBook,
        max_fee_per_gas_wei: int,
        gas_limit_max: int = GAS_LIMIT_MAX,
        timeout_s: int = 20,
        calls_per_s: int | None = None,
        traces: bool | None = None,
        confirmations: int | None = None,
        proofs: Proofs = Proofs.WHERE_POSSIBLE,
        bumping: Bumping | None = BUMPING,
    ) -> None:
        self.id = id
        self.capabilities = replace(CAPABILITIES, bumping=bumping)
        self._listed = read_listings(listings)
        self.listings = self._listed.all
        self.fee_asset = self._listed.native.asset
        self._chain_id = chain_id
        self._max_fee_per_gas_wei = max_fee_per_gas_wei
        self._gas_limit_max = gas_limit_max
        self._payout_contract: str | None = None
        self._paid_through = frozenset[str]()
        self._facts: tuple[BlockRef, dict[tuple[str, ...], Sequence[TokenFacts]]] | None = None
        self._tree = AddressTree(public_keys)
        self._hot = self._tree.derive(Branch.HOUSE, 0).address
        self._unused = self._tree.derive(Branch.HOUSE, INDEX_MAX).address
        self._rpc = JsonRpc(url, timeout_s=timeout_s, calls_per_s=calls_per_s)
        self._confirmations = confirmations
        self._chain = Chain(self._rpc, id, chain_id)
        self._scan = Scan(
            self._rpc, network=id, chain_id=chain_id, listings=self._listed, book=book, traces=traces, proofs=proofs
        )

    def pay_through(self, contract: str | None, assets: Collection[str] = ()) -> None:
        """As `wallet.ports.payout_contracts.PayingTogether`."""
        self._paid_through = frozenset(assets)
        self._payout_contract = None if contract is None else parse_address(contract)
        self.capabilities = replace(self.capabilities, batch_max=1 if contract is None else TOGETHER_MAX)

    def contract_made(self, owner: str, nonce: int) -> str:
        return created_address(owner, nonce)

    def contract_code_hash(self, owner: str) -> str:
        return "0x" + keccak(deployed_code(owner)).hex()

    async def build_setup(self, setup: PayoutSetup, contract: str | None, source: NonceSource, fee: Fee) -> Unsigned:
        """As `wallet.ports.payout_contracts.PayingTogether`."""
        token = None if setup.asset is None else self._listed.of(setup.asset).contract
        if setup.asset is not None and (token is None or contract is None):
            raise ValueError(f"{setup.asset.symbol} needs no leave, or there is no contract that could have it")
        return await build_payout.build_setup(
            self._rpc,
            chain_id=self._chain_id,
            native=self._listed.native,
            target=token or "",
            act=Creation()
            if setup.asset is None or contract is None
            else build_payout.allowance_of(contract, is_allowed=setup.is_allowed),
            source=source,
            fee=fee,
            gas_limit_max=self._gas_limit_max,
        )

    async def identity(self) -> str:
        """The genesis block's hash. Raises `NetworkMismatch` also where a listed contract counts in other decimals."""
        genesis = await self._chain.genesis()
        await self._check_decimals()
        return genesis

    async def tip(self) -> BlockRef:
        """Raises `NetworkMismatch` where the provider serves another chain by now."""
        return await self._chain.tip()

    async def final(self) -> BlockRef | None:
        return await status.read_final(self._rpc, self._confirmations)

    async def block_ref(self, height: int) -> BlockRef | None:
        header = await self._rpc.find("eth_getBlockByNumber", [hex(height), False], HeaderAnswer)
        return header.ref if header is not None else None

    def blocks(self, start: int, stop: int) -> AsyncIterator[Block]:
        return self._scan.blocks(start, stop)

    def derive(self, branch: Branch, index: int) -> Derived:
        return self._tree.derive(branch, index)

    def check_destination(self, destination: Destination) -> Destination:
        return Destination(parse_destination(destination.address, self._listed.contracts()))

    async def smallest_payment(self, asset: Asset, destination: Destination) -> Amount:  # noqa: ARG002  no dust limit here
        """One base unit, or what a token of fewer decimals than the ledger's can express."""
        listing = self._listed.of(asset)
        units: int = 10 ** max(asset.decimals - listing.decimals, 0)
        return Amount(units, asset)

    async def estimate_fee(self, asset: Asset) -> Fee:
        """`units` is for a payment to an address never used, from the hot address; the gas limit's cap stands in where the
        chain cannot tell (the hot address holds none of the token yet)."""
        rate, tip = await fees.gas_price(self._rpc, self._max_fee_per_gas_wei)
        listing = self._listed.of(asset)
        payment = Payment(listing, self._hot, self._unused, 0 if listing.contract is None else 1)
        return Fee(rate, Amount(rate * await self._gas(payment), self.fee_asset), tip)

    def pay_from(self, address: str) -> None:
        """As `wallet.ports.PaysFrom`."""
        self._hot = address

    async def transfer_cost(self, asset: Asset, source: str, target: str, fee: Fee) -> Amount:
        """The most that moving all of `asset` from `source` to `target` costs in gas: what a deposit address needs before
        it can be swept, and exactly the `fee_max` of `build` with the same `fee` while nothing changes.

        With `replace(fee, tip=fee.rate)` a payment to an address without code costs exactly this, so that the rest of
        an address's native asset can leave with it. Raises `FundsShort` where there is nothing to move.
        """
        listing = self._listed.of(asset)
        units = await build.movable_units(self._rpc, listing, source)
        trial = await build.try_payment(self._rpc, Payment(listing, source, target, units), self._gas_limit_max)
        return Amount(trial.gas_limit * fee.rate, self.fee_asset)

    async def token_facts(self, contracts: Sequence[str], at: BlockRef) -> Sequence[TokenFacts]:
        """What the contracts are at this block; asked again about the same block, from memory: one look costs no more than a
        block does. Raises `ValueError` for what is no address, and the network's errors."""
        asked = tuple(parse_address(contract) for contract in contracts)
        if self._facts is None or self._facts[0] != at:
            self._facts = (at, {})
        known = self._facts[1]
        if asked not in known:
            known[asked] = await token_facts(self._rpc, asked, at)
        return known[asked]

    def carry(self, listing: Listing) -> None:
        """As `wallet.ports.Tokens`."""
        if listing.contract is None or listing.contract.lower() in self._listed.tokens:
            return
        self._listed = read_listings((*self._listed.all, listing))
        self.listings = self._listed.all
        self._scan.carry(self._listed)

    def check_contract(self, contract: str) -> str:
        """As `wallet.ports.tokens.Recovering`."""
        if contract.lower() in self._listed.tokens:
            raise ValueError("this token is listed here")
        return parse_address(contract)

    async def build_recovery(self, transfer: StrayTransfer, nonce: int, fee: Fee) -> Unsigned:
        native, most = self._listed.native, self._gas_limit_max
        return await recover.build_recovery(self._rpc, native, self._chain_id, transfer, nonce, fee, most)

    async def raise_fee(self, unsigned: bytes, consumes: Sequence[str], *, urgent: bool) -> Unsigned | None:
        """As `wallet.ports.Replacing`: everything but the two prices stays, so it is the same act to the unit."""
        source, cap = consumes[0].rpartition(":")[0], self._max_fee_per_gas_wei
        return await rebuild.raise_fee(self._rpc, unsigned, source, self.fee_asset, cap, urgent=urgent)

    async def build_self_cancel(self, source: NonceSource) -> Unsigned:
        """As `wallet.ports.Cancelling`."""
        rate, tip = await fees.gas_price(self._rpc, self._max_fee_per_gas_wei)
        hot = self.derive(Branch.HOUSE, 0).address
        native, most = self._listed.native, self._gas_limit_max
        payment = Payment(native, source.address, hot, 0)
        return await rebuild.build_self_cancel(
            self._rpc, payment, self._chain_id, source, Fee(rate, Amount(0, self.fee_asset), tip), most
        )

    async def next_nonce(self, address: str) -> int:
        """Counts what waits in the provider's pool as well. Raises `NetworkMismatch`."""
        await self._chain.refuse_another()
        counts = [("eth_getTransactionCount", [address, tag]) for tag in ("latest", "pending")]
        return max(quantity(answer) for answer in await self._rpc.batch(counts, str))

    async def build(
        self, instructions: Sequence[Instruction], source: NonceSource | UtxoSource | FileSource, fee: Fee
    ) -> Unsigned:
        """One tx pays one instruction, or several through our contract where there is one and it is cheaper. Raises
        `NotTogether`, and `ValueError` for more than can be, and for a fee above the cap."""
        if not 0 < len(instructions) <= self.capabilities.batch_max or not isinstance(source, NonceSource):
            raise ValueError("a tx pays from an address and its nonce, and without our contract one instruction")
        if not 0 <= fee.tip <= fee.rate <= self._max_fee_per_gas_wei:
            raise ValueError(f"a fee per gas is at most {self._max_fee_per_gas_wei} wei, and its tip is part of it")
        if len(instructions) > 1 and self._payout_contract is not None:
            if not {one.amount.asset.symbol for one in instructions} <= self._paid_through:
                raise NotTogether(
                    "nothing of this asset goes through our contract", tuple(one.reference for one in instructions)
                )
            return await build_payout.build_payout(
                self._rpc,
                chain_id=self._chain_id,
                listings=self._listed,
                contract=self._payout_contract,
                instructions=instructions,
                source=source,
                fee=fee,
                gas_limit_max=self._gas_limit_max,
            )
        return await build.build(
            self._rpc,
            chain_id=self._chain_id,
            listings=self._listed,
            instruction=instructions[0],
            source=source,
            fee=fee,
            gas_limit_max=self._gas_limit_max,
            ordinary=self._unused,
        )

    async def try_recipient(self, amount: Amount, source: str, destination: Destination) -> Recipient:
        """As `wallet.ports.recipients.Trying`. Raises `NetworkRejected` for an amount that the token cannot express."""
        listing = self._listed.of(amount.asset)
        try:
            payment = Payment(listing, source, destination.address, chain_units(amount, listing))
        except ValueError as error:
            raise NetworkRejected(str(error)) from None
        return await recipient.try_recipient(self._rpc, payment, self._gas_limit_max, self._unused)

    def show(self, payload: bytes) -> Mapping[str, object]:
        return show.show(payload, self._listed)

    async def prepare(self, submission: SubmissionRef) -> None:
        """Nothing: the same bytes may be sent again."""

    async def submit(self, submission: SubmissionRef) -> None:
        await submit.submit(self._rpc, submission)

    async def status(self, submission: SubmissionRef) -> Status:
        await self._chain.refuse_another()
        return await status.status(self._rpc, submission, self.fee_asset, self._confirmations)

    async def observe(self, addresses: Sequence[str], at: BlockRef) -> Observation:
        return await observe.observe(self._rpc, self._listed, addresses, at)

    def providers(self) -> tuple[ProviderView, ...]:
        return (replace(self._rpc.view(), unproven=self._scan.proofs.unproven),)

    async def balances(self, addresses: Sequence[str], at: BlockRef) -> Mapping[str, Mapping[str, int]]:
        return await read_balances(self._rpc, self._listed, addresses, at)

    async def close(self) -> None:
        await self._rpc.close()

    async def _gas(self, payment: Payment) -> int:
        (estimate,) = await self._rpc.batch_outcomes([fees.estimate_call(payment.call())], str)
        try:
            return fees.gas_limit(estimate, margin=payment.listing.contract is not None, most=self._gas_limit_max)
        except NetworkRejected:
            return self._gas_limit_max

    async def _check_decimals(self) -> None:
        tokens = list(self._listed.tokens.values())
        calls = [("eth_call", [{"to": token.contract, "data": DECIMALS_CALL}, "latest"]) for token in tokens]
        for token, answer in zip(tokens, await self._rpc.batch_outcomes(calls, str), strict=True):
            if isinstance(answer, RpcError) and not is_failure(answer):
                raise unread(answer)
            decimals = None if isinstance(answer, RpcError) else parse_word(answer)
            if decimals != token.decimals:
                raise NetworkMismatch(
                    f"{self.id}: the contract of {token.asset.symbol} does not say {token.decimals} decimals"
                )
