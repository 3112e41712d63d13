"""What an EVM payload would do, and whether it is of a class that is ever signed:

    withdrawal    hot address ─▶ anybody             one payment, of the chain's asset or of a listed token; or many of one
                                                     asset, through our contract (`weigh_payout`)
    sweep         deposit address ─▶ hot address     of either
    gas funding   hot address ─▶ deposit address     of the chain's asset, up to a cap
    rotation      earlier hot address ─▶ hot address  of either
    recovery      deposit address ─▶ anybody         of a token that is not listed, as enrolled approvers have signed it
    self-cancel   any of ours ─▶ hot address         of nothing, so that a nonce is used up
    payout setup  hot address                        makes our contract, or lets it move a listed token

What this prevents: blind signing (KEY-04). Calldata of any other kind has no class, nor has transfer(address,uint256) on a
contract that is not listed, but for a recovery; and addresses of ours are derived here, never believed.
"""

from dataclasses import dataclass, replace

from chains.evm.address import RESERVED_MAX, public_key_address
from chains.evm.decode import EvmTx, PayloadMalformed, decode, encode_unsigned
from chains.evm.payout import Payout
from chains.signer.judging.approvals import check_approvals
from chains.signer.judging.effect import Effect, Outflow, refuse
from chains.signer.judging.hot import check_hot, hot_paths
from chains.signer.judging.policy import EvmPolicy, gas_of
from chains.signer.judging.weigh_payout import check_payee, check_payer, weigh_payout, weigh_setup
from chains.signer.keys.keys import Keys
from chains.signer.keys.paths import EVM_TREE, PathForeign, Place
from wallet.ports import Branch, Purpose, SignRequest
from wallet.proposals.digest import RECOVERY_KIND, act_digest, recovery_content


@dataclass(frozen=True, slots=True)
class _Movement:
    asset: str
    units: int
    target: str


def weigh_evm(request: SignRequest, policy: EvmPolicy, keys: Keys) -> Effect:
    """Raises `SignerRefused`."""
    tx = _decode(request.payload)
    if tx.chain_id != policy.chain_id:
        raise refuse(f"the payload is for chain {tx.chain_id}, not {policy.chain_id}")
    free = replace(tx, max_fee_per_gas=0, max_priority_fee_per_gas=0)
    return replace(_weigh(request, tx, policy, keys), constant=encode_unsigned(free))


def _weigh(request: SignRequest, tx: EvmTx, policy: EvmPolicy, keys: Keys) -> Effect:
    if request.purpose is Purpose.RECOVERY:
        return _weigh_recovery(request, tx, policy, keys)
    if request.approvals and request.purpose is not Purpose.WITHDRAWAL:
        raise refuse("approvals belong to a withdrawal or a recovery")
    if request.purpose is Purpose.SELF_CANCEL:
        return _weigh_self_cancel(request, tx, policy, keys)
    if request.purpose is Purpose.PAYOUT_SETUP:
        weigh_setup(request, tx, policy)
        return _effect((), request, tx, policy, keys)
    if request.purpose is Purpose.WITHDRAWAL and isinstance(tx.act, Payout):
        paid = weigh_payout(request, tx, tx.act, policy, _hot_addresses(policy, keys))
        return _effect(paid, request, tx, policy, keys)
    movement = _movement(tx, policy)
    _check_class(request, movement, policy, keys)
    effect = _effect(_outflows(request, movement), request, tx, policy, keys)
    return replace(effect, touches=(movement.asset,))


def _check_class(request: SignRequest, movement: _Movement, policy: EvmPolicy, keys: Keys) -> None:
    match request.purpose:
        case Purpose.WITHDRAWAL:
            _check_withdrawal(request, movement, policy, keys)
        case Purpose.SWEEP:
            _check_sweep(request, movement, policy, keys)
        case Purpose.ROTATION:
            _check_rotation(request, movement, policy, keys)
        case Purpose.GAS_FUNDING:
            _check_gas_funding(request, movement, policy, keys)
        case _:
            raise refuse("a payload of no class that is ever signed")


def _effect(outflows: tuple[Outflow, ...], request: SignRequest, tx: EvmTx, policy: EvmPolicy, keys: Keys) -> Effect:
    source = public_key_address(keys.public_key(request.paths[0]))
    return Effect(outflows, Outflow(policy.native, tx.fee_max_wei), (f"{source}:{tx.nonce}",))


def _outflows(request: SignRequest, movement: _Movement) -> tuple[Outflow, ...]:
    """A sweep brings home; gas stays ours, but what the hot address gives away for it is limited as an exit is."""
    match request.purpose:
        case Purpose.WITHDRAWAL:
            return (Outflow(movement.asset, movement.units, request.references[0], movement.target),)
        case Purpose.GAS_FUNDING:
            return (Outflow(gas_of(movement.asset), movement.units),)
        case _:
            return ()


def _weigh_recovery(request: SignRequest, tx: EvmTx, policy: EvmPolicy, keys: Keys) -> Effect:
    """A token of ours to lose is never a stray: a contract that is listed here moves by withdrawals and sweeps alone."""
    if policy.recovery is None:
        raise refuse("this signer enrols nobody who could approve a recovery")
    if len(request.references) != 1 or len(request.paths) != 1:
        raise refuse("a recovery moves one stray from one deposit address, for one proposal")
    if _branch(request.paths[0]) is not Branch.DEPOSIT:
        raise refuse("only what lies on a deposit address is recovered")
    if tx.transfer is None or tx.target.lower() in policy.contracts:
        raise refuse("a recovery moves a token that is not listed")
    if tx.transfer.units == 0 or int(tx.transfer.target, 16) <= RESERVED_MAX:
        raise refuse("a payment of nothing, or to where nobody holds the keys")
    source = _address(request.paths[0], keys)
    act = recovery_content(request.network, source, tx.target, tx.transfer.target, tx.transfer.units)
    check_approvals(act_digest(request.references[0], RECOVERY_KIND, act), request.approvals, policy.recovery)
    return Effect((), Outflow(policy.native, tx.fee_max_wei), (f"{source}:{tx.nonce}",))


def _weigh_self_cancel(request: SignRequest, tx: EvmTx, policy: EvmPolicy, keys: Keys) -> Effect:
    """Its fee is all that it costs, and counts as every fee does. The nonce must be unused: what was signed stays signed."""
    if request.references or len(request.paths) != 1:
        raise refuse("a self-cancel uses up one nonce and pays no withdrawal")
    if _place(request.paths[0]).hot > policy.hot:
        raise refuse("this hot key has never paid")
    if tx.value or tx.calldata or tx.target not in _hot_addresses(policy, keys):
        raise refuse("a self-cancel sends nothing to our own hot address")
    source = _address(request.paths[0], keys)
    return Effect((), Outflow(policy.native, tx.fee_max_wei), (f"{source}:{tx.nonce}",))


def _decode(payload: bytes) -> EvmTx:
    try:
        tx = decode(payload)
    except PayloadMalformed as reason:
        raise refuse(f"the payload is no EVM payload: {reason}") from None
    if tx.signature is not None:
        raise refuse("the payload is signed already")
    return tx


def _movement(tx: EvmTx, policy: EvmPolicy) -> _Movement:
    """The one payment that the tx makes; refused where nobody could hold what it pays."""
    if tx.act is not None:
        raise refuse("this is no single payment")
    if tx.transfer is None:
        movement = _Movement(policy.native, tx.value, tx.target)
    else:
        symbol = policy.contracts.get(tx.target.lower())
        if symbol is None:
            raise refuse("only the contracts of listed tokens are called")
        movement = _Movement(symbol, tx.transfer.units, tx.transfer.target)
    if movement.units == 0:
        raise refuse("a payment of nothing")
    check_payee(movement.target, policy)
    return movement


def _check_withdrawal(request: SignRequest, movement: _Movement, policy: EvmPolicy, keys: Keys) -> None:
    if len(request.references) != 1:
        raise refuse("a withdrawal's submission pays exactly one withdrawal here")
    check_payer(request, policy)
    if movement.target in _hot_addresses(policy, keys):
        raise refuse("a withdrawal to our own hot address")


def _check_sweep(request: SignRequest, movement: _Movement, policy: EvmPolicy, keys: Keys) -> None:
    if request.references or len(request.paths) != 1:
        raise refuse("a sweep moves one deposit address and pays no withdrawal")
    if _branch(request.paths[0]) is not Branch.DEPOSIT:
        raise refuse("only deposit addresses are swept")
    if movement.target not in [_address(path, keys) for path in hot_paths(EVM_TREE, policy)]:
        raise refuse("a sweep goes to our own hot address only")


def _check_rotation(request: SignRequest, movement: _Movement, policy: EvmPolicy, keys: Keys) -> None:
    if request.references or len(request.paths) != 1:
        raise refuse("a rotation moves what one earlier hot address holds and pays no withdrawal")
    place = _place(request.paths[0])
    if place.branch is not Branch.HOUSE or place.index or place.hot >= policy.hot:
        raise refuse("only an earlier hot address is emptied by a rotation")
    if movement.target != _address(EVM_TREE.hot(policy.hot), keys):
        raise refuse("what an earlier hot address holds goes to the one that pays now")


def _check_gas_funding(request: SignRequest, movement: _Movement, policy: EvmPolicy, keys: Keys) -> None:
    if request.references or len(request.paths) != 2:
        raise refuse("gas goes from the hot address to one deposit address and pays no withdrawal")
    check_hot(EVM_TREE, request.paths[0], policy, "gas goes from the hot address")
    if _branch(request.paths[1]) is not Branch.DEPOSIT or movement.target != _address(request.paths[1], keys):
        raise refuse("gas goes to the deposit address that the path leads to")
    if movement.asset != policy.native:
        raise refuse("gas is paid in the chain's own asset")
    if movement.units > policy.gas_funding_max:
        raise refuse(f"{movement.units} units for gas are above the cap of {policy.gas_funding_max}")


def _hot_addresses(policy: EvmPolicy, keys: Keys) -> frozenset[str]:
    """The one that pays and all that have paid."""
    return frozenset(_address(EVM_TREE.hot(number), keys) for number in range(policy.hot + 1))


def _branch(path: str) -> Branch:
    return _place(path).branch


def _place(path: str) -> Place:
    try:
        return EVM_TREE.place(path)
    except PathForeign as reason:
        raise refuse(str(reason)) from None


def _address(path: str, keys: Keys) -> str:
    return public_key_address(keys.public_key(path))
