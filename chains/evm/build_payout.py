"""Makes the unsigned tx of one payout, where the chain itself says that it is cheaper than its payments one by one.

What this prevents: a payee who costs the others their payment or more than they would have cost alone. Who is not known to be
an ordinary payee is paid alone: a contract that ether goes to, an address that the chain has never seen, one that the token
does not pay. No price of anything is known here; all is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from chains.evm.balances import balance_of
from chains.evm.build import Payment
from chains.evm.decode import EvmTx, encode_unsigned
from chains.evm.fees import GasCall, estimate_call, gas_limit, refusal
from chains.evm.listings import Listings, chain_units
from chains.evm.payout import (
    EVERYTHING,
    UNITS_EACH_MAX,
    Act,
    Allowance,
    Creation,
    Paid,
    Payout,
    deployed_code,
    write_act,
)
from chains.evm.token import accepts_transfer, allowance_call, parse_word
from chains.evm.wire import is_failure, quantity
from chains.rpc.client import Call, JsonRpc, RpcError
from wallet.money import Amount
from wallet.ports import Fee, FundsShort, Instruction, Listing, NetworkUnreachable, NonceSource, NotTogether, Unsigned

TOGETHER_MIN = 3  # for two the saving is small, and each of them would wait for the other
DEAR_TIMES = (
    2  # a token's new holders use one and a half times what its holders do; whoever uses more has code that runs
)
TX_GAS_MAX = 2**24  # EIP-7825
_LATEST = "latest"
_NO_CODE = "0x"


@dataclass(frozen=True, slots=True)
class _Group:
    """Payments of one asset, each of them one instruction's, in order."""

    listing: Listing
    contract: str
    source: str
    instructions: Sequence[Instruction]
    payments: tuple[Paid, ...]

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(instruction.reference for instruction in self.instructions)

    @property
    def units(self) -> int:
        return sum(payment.units for payment in self.payments)

    def payout(self, gas_each: int) -> Payout:
        return Payout(self.listing.contract, gas_each, self.payments)

    def call(self, payout: Payout) -> GasCall:
        """As eth_estimateGas takes it."""
        value = 0 if self.listing.contract else self.units
        return {"from": self.source, "to": self.contract, "value": hex(value), "data": "0x" + write_act(payout).hex()}


async def build_payout(
    rpc: JsonRpc,
    *,
    chain_id: int,
    listings: Listings,
    contract: str,
    instructions: Sequence[Instruction],
    source: NonceSource,
    fee: Fee,
    gas_limit_max: int,
) -> Unsigned:
    """Raises `NotTogether` where they, or some of them, are to be paid alone; `FundsShort`; the network's errors."""
    group = _group(listings, contract, instructions, source)
    native_wei, held = await _check_contract(rpc, group)
    if held < group.units:
        raise FundsShort(f"{group.source} holds less {group.listing.asset.symbol} than it shall pay")
    singly = await _estimate_each(rpc, group, gas_limit_max)
    payout = group.payout(max(singly) if group.listing.contract else 0)
    gas = _limit(payout, await _estimate_all(rpc, group, payout), singly, group.references)
    tx = _unsigned(contract, payout, 0 if payout.token else payout.units, chain_id, source.nonce, gas, fee)
    if native_wei < tx.value + tx.fee_max_wei:
        raise FundsShort(f"{group.source} has too little {listings.native.asset.symbol} for the payments and their gas")
    consumes = (f"{source.address}:{source.nonce}",)
    return Unsigned(encode_unsigned(tx), consumes, Amount(tx.fee_max_wei, listings.native.asset))


async def build_setup(
    rpc: JsonRpc,
    *,
    chain_id: int,
    native: Listing,
    target: str,
    act: Allowance | Creation,
    source: NonceSource,
    fee: Fee,
    gas_limit_max: int,
) -> Unsigned:
    """`target` is the token's contract, empty for a creation. Raises `FundsShort`, `NetworkRejected`, the network's errors."""
    call = {"from": source.address, "data": "0x" + write_act(act).hex(), **({"to": target} if target else {})}
    questions: list[Call] = [balance_of(None, source.address, _LATEST), estimate_call(call)]
    held, estimate = await rpc.batch_outcomes(questions, str)
    tx = _unsigned(target, act, 0, chain_id, source.nonce, gas_limit(estimate, margin=True, most=gas_limit_max), fee)
    if quantity(_answered(held)) < tx.fee_max_wei:
        raise FundsShort(f"{source.address} has too little {native.asset.symbol} for the gas")
    return Unsigned(encode_unsigned(tx), (f"{source.address}:{source.nonce}",), Amount(tx.fee_max_wei, native.asset))


def allowance_of(contract: str, *, is_allowed: bool) -> Allowance:
    """All or nothing: most tokens do not count down from all, which costs a payout less."""
    return Allowance(contract, EVERYTHING if is_allowed else 0)


def _group(listings: Listings, contract: str, instructions: Sequence[Instruction], source: NonceSource) -> _Group:
    listing = listings.of(instructions[0].amount.asset)
    references = tuple(instruction.reference for instruction in instructions)
    if any(instruction.amount.asset != listing.asset for instruction in instructions):
        raise NotTogether("a payout is of one asset", references)
    if len(instructions) < TOGETHER_MIN:
        raise NotTogether("so few are not worth a payout", references)
    paid = [Paid(one.destination.address, chain_units(one.amount, listing)) for one in instructions]
    large = [one.reference for one, each in zip(instructions, paid, strict=True) if each.units > UNITS_EACH_MAX]
    if large:
        raise NotTogether("an amount that does not fit beside an address", tuple(large))
    return _Group(listing, contract, source.address, instructions, tuple(paid))


async def _check_contract(rpc: JsonRpc, group: _Group) -> tuple[int, int]:
    """What the source has in wei, and of the asset. The contract is looked at each time: a word on it is not enough."""
    token, source = group.listing.contract, group.source
    questions: list[Call] = [
        ("eth_getCode", [group.contract, _LATEST]),
        balance_of(None, source, _LATEST),
        balance_of(token, source, _LATEST),
    ]
    if token is not None:
        questions.append(("eth_call", [allowance_call(token, source, group.contract), _LATEST]))
    code, native, held, *allowed = [_answered(answer) for answer in await rpc.batch_outcomes(questions, str)]
    if code.lower() != "0x" + deployed_code(source).hex():
        raise NotTogether(f"what stands at {group.contract} is not our contract", group.references)
    if allowed and (parse_word(allowed[0]) or 0) < group.units:
        raise NotTogether(f"our contract may not move {group.listing.asset.symbol}", group.references)
    return quantity(native), quantity(held) if token is None else parse_word(held) or 0


async def _estimate_each(rpc: JsonRpc, group: _Group, gas_limit_max: int) -> list[int]:
    """What each payment would use alone. Raises `NotTogether` for those that are no ordinary payees."""
    answers = await rpc.batch_outcomes([call for payment in group.payments for call in _questions(group, payment)], str)
    width = len(answers) // len(group.payments)
    parts = [answers[start : start + width] for start in range(0, len(answers), width)]
    found = [_gas_alone(part, gas_limit_max) for part in parts]
    singly = [gas for gas in found if gas is not None]
    most = DEAR_TIMES * min(singly, default=0)
    alone = tuple(name for name, gas in zip(group.references, found, strict=True) if gas is None or gas > most)
    if alone:
        raise NotTogether("payees that are better paid alone", alone)
    return singly


def _questions(group: _Group, payment: Paid) -> list[Call]:
    single = Payment(group.listing, group.source, payment.target, payment.units)
    call = single.call()
    if group.listing.contract is not None:
        return [estimate_call(call), ("eth_call", [call, _LATEST])]
    target = payment.target
    return [
        estimate_call(call),
        ("eth_getCode", [target, _LATEST]),
        balance_of(None, target, _LATEST),
        ("eth_getTransactionCount", [target, _LATEST]),
    ]


def _gas_alone(part: Sequence[str | RpcError], gas_limit_max: int) -> int | None:
    """None for whom to pay alone: what the chain or the token refuses, what uses too much, and of ether contracts and
    accounts that are new."""
    if any(isinstance(answer, RpcError) and is_failure(answer) for answer in part):
        return None
    estimate, *facts = [_answered(answer) for answer in part]
    gas = quantity(estimate)
    if gas > gas_limit_max:
        return None
    if len(facts) == 1:
        return gas if accepts_transfer(facts[0]) else None
    code, held, count = facts
    return gas if code == _NO_CODE and quantity(held) + quantity(count) > 0 else None


async def _estimate_all(rpc: JsonRpc, group: _Group, payout: Payout) -> int:
    """Raises `NotTogether` for those that the contract itself could not pay."""
    call = group.call(payout)
    estimate, answer = await rpc.batch_outcomes([estimate_call(call), ("eth_call", [call, _LATEST])], str)
    for error in (estimate, answer):
        if isinstance(error, RpcError) and is_failure(error):
            raise NotTogether(f"the chain would refuse this payout: {error.message}")
    unpaid = parse_word(_answered(answer))
    if unpaid is None:
        raise NetworkUnreachable("our contract does not answer like that")
    if unpaid:
        names = tuple(name for place, name in enumerate(group.references) if unpaid >> place & 1)
        raise NotTogether("payees that our contract cannot pay now", names)
    return quantity(_answered(estimate))


def _limit(payout: Payout, together: int, singly: Sequence[int], references: tuple[str, ...]) -> int:
    """So much that each payee may use up all that it is allowed, and the last one is paid all the same. What is not used is
    not paid for."""
    if together >= sum(singly):
        raise NotTogether("together these payments cost more than alone", references)
    limit = together + (len(payout.payments) + 1) * payout.gas_each if payout.token else 2 * together
    if limit > TX_GAS_MAX:
        raise NotTogether(f"this payout could use {limit} gas")
    return limit


def _unsigned(target: str, act: Act, value: int, chain_id: int, nonce: int, gas: int, fee: Fee) -> EvmTx:
    return EvmTx(
        chain_id=chain_id,
        nonce=nonce,
        max_priority_fee_per_gas=fee.tip,
        max_fee_per_gas=fee.rate,
        gas_limit=gas,
        target=target,
        value=value,
        calldata=write_act(act),
        act=act,
    )


def _answered(answer: str | RpcError) -> str:
    if isinstance(answer, RpcError):
        raise refusal(answer)
    return answer
