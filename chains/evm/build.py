"""Makes the unsigned tx of one payment, after trying it on the chain's present state."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chains.evm.balances import balance_of
from chains.evm.decode import EvmTx, Transfer, encode_unsigned
from chains.evm.fees import GasCall, estimate_call, gas_limit, refusal
from chains.evm.listings import Listings, chain_units
from chains.evm.token import accepts_transfer, parse_word, transfer_call
from chains.evm.wire import quantity
from chains.rpc.client import Call, JsonRpc, RpcError
from wallet.money import Amount
from wallet.ports import Fee, FundsShort, Instruction, Listing, NonceSource, RecipientRefuses, Unsigned

CODE_TIMES_MAX = (
    3  # smart wallets use up to twice the gas of a plain payment, a quarter on top; GasToken's minting 30 times
)
_LATEST = "latest"
_NO_CODE = "0x"


@dataclass(frozen=True, slots=True)
class Payment:
    """One transfer of value on the chain; `units` are the chain's own, addresses are canonical."""

    listing: Listing
    source: str
    target: str
    units: int

    def call(self) -> GasCall:
        """As eth_call and eth_estimateGas take it. Without a gas price, so that an address without gas can be asked."""
        if self.listing.contract is None:
            return {"from": self.source, "to": self.target, "value": hex(self.units)}
        calldata = transfer_call(self.target, self.units)
        return {"from": self.source, "to": self.listing.contract, "data": "0x" + calldata.hex()}


@dataclass(frozen=True, slots=True)
class Trial:
    """What the chain says of a payment now: the source's native wei, and the gas that the tx may use."""

    native_wei: int
    gas_limit: int


async def build(
    rpc: JsonRpc,
    *,
    chain_id: int,
    listings: Listings,
    instruction: Instruction,
    source: NonceSource,
    fee: Fee,
    gas_limit_max: int,
    ordinary: str,
) -> Unsigned:
    """Raises `FundsShort` where the source lacks the value or the gas, `RecipientRefuses` where the chain would refuse, and
    `CostTooHigh`. `ordinary` is an address without code, which the cost of code at the destination is compared with."""
    listing = listings.of(instruction.amount.asset)
    units = chain_units(instruction.amount, listing)
    payment = Payment(listing, source.address, instruction.destination.address, units)
    trial = await try_payment(rpc, payment, gas_limit_max, ordinary)
    tx = write_tx(payment, chain_id=chain_id, nonce=source.nonce, gas=trial.gas_limit, fee=fee)
    if trial.native_wei < tx.value + tx.fee_max_wei:
        raise FundsShort(f"{source.address} has too little {listings.native.asset.symbol} for the payment and its gas")
    return Unsigned(
        payload=encode_unsigned(tx),
        consumes=(f"{source.address}:{source.nonce}",),
        fee_max=Amount(tx.fee_max_wei, listings.native.asset),
    )


def write_tx(payment: Payment, *, chain_id: int, nonce: int, gas: int, fee: Fee) -> EvmTx:
    """A type-2 tx (EIP-1559) that pays ether to the target, or calls `transfer` on the listed contract (ERC-20)."""
    contract = payment.listing.contract
    token = contract is not None
    return EvmTx(
        chain_id=chain_id,
        nonce=nonce,
        max_priority_fee_per_gas=fee.tip,
        max_fee_per_gas=fee.rate,
        gas_limit=gas,
        target=contract or payment.target,
        value=0 if token else payment.units,
        calldata=transfer_call(payment.target, payment.units) if token else b"",
        transfer=Transfer(payment.target, payment.units) if token else None,
    )


async def try_payment(rpc: JsonRpc, payment: Payment, gas_limit_max: int, ordinary: str | None = None) -> Trial:
    """Raises `FundsShort`, `RecipientRefuses`, `CostTooHigh`. Code at the target costs at most `CODE_TIMES_MAX` times what the
    same payment to `ordinary` does."""
    native, held, answer, estimate, code = await rpc.batch_outcomes(_questions(payment), str)
    native_wei = quantity(_answered(native))
    if payment.listing.contract is None:
        _check_funds(native_wei, payment)
        margin = _answered(code) != _NO_CODE
    else:
        _check_funds(parse_word(_answered(held)) or 0, payment)
        if not accepts_transfer(_answered(answer)):
            raise RecipientRefuses("the token would not move: its transfer answers false")
        margin = True
    most = gas_limit_max
    if ordinary is not None and _answered(code) != _NO_CODE:
        most = min(most, CODE_TIMES_MAX * await _ordinary_gas(rpc, replace(payment, target=ordinary), gas_limit_max))
    return Trial(native_wei, gas_limit(estimate, margin=margin, most=most))


async def _ordinary_gas(rpc: JsonRpc, payment: Payment, most: int) -> int:
    """What it costs where no code is; the cap where the chain does not say."""
    (estimate,) = await rpc.batch_outcomes([estimate_call(payment.call())], str)
    return most if isinstance(estimate, RpcError) else quantity(estimate)


async def movable_units(rpc: JsonRpc, listing: Listing, source: str) -> int:
    """All that an address holds of a token; of the chain's own asset 1 wei, since the rest pays for the gas.

    Raises `FundsShort` where there is none.
    """
    if listing.contract is None:
        return 1
    (answer,) = await rpc.batch_outcomes([balance_of(listing.contract, source, _LATEST)], str)
    units = parse_word(_answered(answer))
    if not units:
        raise FundsShort(f"{source} holds no {listing.asset.symbol}")
    return units


def _questions(payment: Payment) -> Sequence[Call]:
    """Native balance, balance of what is paid, what a token says to it, the gas, and the code at the target."""
    native = balance_of(None, payment.source, _LATEST)
    estimate, code = estimate_call(payment.call()), ("eth_getCode", [payment.target, _LATEST])
    if payment.listing.contract is None:
        return [native, native, native, estimate, code]
    held = balance_of(payment.listing.contract, payment.source, _LATEST)
    return [native, held, ("eth_call", [payment.call(), _LATEST]), estimate, code]


def _answered(answer: str | RpcError) -> str:
    if isinstance(answer, RpcError):
        raise refusal(answer)
    return answer


def _check_funds(held: int, payment: Payment) -> None:
    if held < payment.units:
        raise FundsShort(f"{payment.source} holds less {payment.listing.asset.symbol} than it shall pay")
