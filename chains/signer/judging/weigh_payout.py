"""What a tx would do that belongs to the contract which pays many in one tx (`chains.evm.payout`):

    payout        hot address ─▶ our contract ─▶ anybody     each payment for one withdrawal, in their order
    creation      hot address makes our contract             of exactly our code, while the policy names none
    allowance     hot address ─▶ a listed token              that our contract may move all of it, or nothing any more

What this prevents: a payment that hides among others (KEY-04). Each is judged as if it were paid alone, and their sum counts.
Whether the code at the address is ours is for the node to see, before each payout; that the address is the one that operators
mean stands in the signer's own policy.
"""

from chains.evm.address import RESERVED_MAX
from chains.evm.decode import EvmTx
from chains.evm.payout import EVERYTHING, Allowance, Creation, Payout
from chains.signer.judging.effect import Outflow, refuse
from chains.signer.judging.hot import check_hot
from chains.signer.judging.policy import EvmPolicy
from chains.signer.keys.paths import EVM_TREE
from wallet.ports import SignRequest


def weigh_payout(
    request: SignRequest, tx: EvmTx, act: Payout, policy: EvmPolicy, hot: frozenset[str]
) -> tuple[Outflow, ...]:
    """What leaves for each withdrawal, in their order; `hot` are all that ever paid. Raises `SignerRefused`."""
    if policy.payout_contract is None or tx.target.lower() != policy.payout_contract:
        raise refuse("payouts go through the contract that this policy names, and no other")
    check_payer(request, policy)
    if len(request.references) != len(act.payments):
        raise refuse("a payout makes one payment for each of its withdrawals")
    symbol = policy.native if act.token is None else policy.contracts.get(act.token.lower())
    if symbol is None:
        raise refuse("only the contracts of listed tokens are called")
    if act.gas_each * len(act.payments) > tx.gas_limit:
        raise refuse("a payee that fails could use up the gas of the others")
    for payment in act.payments:
        check_payee(payment.target, policy)
        if payment.target in hot:
            raise refuse("a withdrawal to our own hot address")
    return tuple(
        Outflow(symbol, payment.units, reference, payment.target)
        for payment, reference in zip(act.payments, request.references, strict=True)
    )


def weigh_setup(request: SignRequest, tx: EvmTx, policy: EvmPolicy) -> None:
    """What makes payouts possible, or ends that. Nothing is paid by it but its fee. Raises `SignerRefused`."""
    if request.references:
        raise refuse("payouts are set up from the hot address, and no withdrawal is paid by it")
    check_payer(request, policy, "payouts are set up from the hot address, and no withdrawal is paid by it")
    match tx.act:
        case Creation() if policy.payout_contract is not None:
            raise refuse("this policy names a payout contract already")
        case Creation():
            return
        case Allowance(spender, units) if tx.target.lower() in policy.contracts:
            if policy.payout_contract is None or spender.lower() != policy.payout_contract:
                raise refuse("nobody but the contract that this policy names may move a token of ours")
            if units not in (0, EVERYTHING):
                raise refuse("the payout contract may move all of a token, or nothing")
        case _:
            raise refuse("this is not what payouts are set up by")


def check_payer(
    request: SignRequest, policy: EvmPolicy, rule: str = "withdrawals are paid from the hot address"
) -> None:
    """Raises `SignerRefused` unless it is the hot address, and nothing else, that signs."""
    if len(request.paths) != 1:
        raise refuse(rule)
    check_hot(EVM_TREE, request.paths[0], policy, rule)


def check_payee(target: str, policy: EvmPolicy) -> None:
    """Raises `SignerRefused` where nobody could hold what is paid there."""
    if int(target, 16) <= RESERVED_MAX or target.lower() in {*policy.contracts, policy.payout_contract}:
        raise refuse("nobody holds the keys to the destination")
