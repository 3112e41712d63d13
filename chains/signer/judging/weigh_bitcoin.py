"""What a payload of the Bitcoin family would do, and whether it is of a class that is ever signed: payments of
withdrawals, from inputs of ours, with the rest coming back to us; or small coins of ours that become one at our hot address."""

import msgspec

from chains.bitcoin.address import address_of_key, purpose_of_path
from chains.bitcoin.decode import PayloadMalformed, UtxoTx, decode
from chains.signer.judging.effect import Effect, Outflow, refuse
from chains.signer.judging.hot import check_hot, is_retired
from chains.signer.judging.policy import UtxoPolicy
from chains.signer.keys.keys import Keys
from chains.signer.keys.paths import PathForeign, Tree, p2tr_tree, p2wpkh_tree
from wallet.ports import Ground, Purpose, SignRequest


def trees_of(policy: UtxoPolicy) -> tuple[Tree, Tree]:
    """For both kinds of address, the one that the house uses first."""
    return p2wpkh_tree(policy.chain.coin), p2tr_tree(policy.chain.coin)


def weigh_bitcoin(request: SignRequest, policy: UtxoPolicy, keys: Keys) -> Effect:
    """Raises `SignerRefused`. Every output that is not the one proven change counts as paid out."""
    if request.purpose not in (Purpose.WITHDRAWAL, Purpose.GATHERING):
        raise refuse("where coins are unspent outputs only withdrawals are signed; deposits are spent where they lie")
    tx = _decode(request.payload)
    if tx.chain.prefix != policy.chain.prefix:
        raise refuse("the payload is for another chain of the Bitcoin family")
    if request.paths != tuple(spent.path for spent in tx.inputs):
        raise refuse("the paths of the request are not those of the inputs")
    _check_owned(tx, policy, keys)
    if request.purpose is Purpose.GATHERING:
        return _weigh_gathering(request, tx, policy)
    if len(tx.payments) != len(request.references) or not tx.payments:
        raise refuse("each withdrawal is exactly one payment")
    paid, asset = zip(tx.payments, request.references, strict=True), policy.chain.asset
    return Effect(
        outflows=tuple(Outflow(asset, one.units, reference, one.address) for one, reference in paid),
        fee=Outflow(policy.chain.asset, tx.fee_units),
        consumes=tuple(spent.outpoint for spent in tx.inputs),
        constant=_constant(tx),
    )


def _weigh_gathering(request: SignRequest, tx: UtxoTx, policy: UtxoPolicy) -> Effect:
    """Nothing leaves but the fee."""
    if request.references or tx.payments or tx.change is None:
        raise refuse("where coins are gathered all of it comes back to us, in one output")
    check_hot(trees_of(policy)[0], tx.change.path, policy, "coins are gathered at the hot address that pays now")
    return Effect(
        outflows=(),
        fee=Outflow(policy.chain.asset, tx.fee_units),
        consumes=tuple(spent.outpoint for spent in tx.inputs),
        constant=_constant(tx),
        touches=(policy.chain.asset,),
    )


def _constant(tx: UtxoTx) -> bytes:
    """What a replacement may not change. What the inputs are said to be worth is part of it: of two signatures over one tx with
    other claims, parts could be joined to a tx whose fee nobody has seen."""
    inputs = [[spent.outpoint, str(spent.units), spent.path] for spent in tx.inputs]
    payments = [[output.address, str(output.units)] for output in tx.payments]
    return msgspec.json.encode([tx.chain.prefix, inputs, payments])


def _decode(payload: bytes) -> UtxoTx:
    try:
        return decode(payload)
    except PayloadMalformed as reason:
        raise refuse(f"the payload is none of the Bitcoin family: {reason}") from None


def _check_owned(tx: UtxoTx, policy: UtxoPolicy, keys: Keys) -> None:
    """The payload says that paths lead to addresses; here that is derived instead of believed."""
    owned = [(spent.path, spent.address) for spent in tx.inputs]
    if tx.change is not None:
        _refuse_retired(tx.change.path, policy)
        owned.append((tx.change.path, tx.change.address))
    for path, address in owned:
        if _address(path, policy, keys) != address:
            raise refuse("an input or the change is not at the address that its path leads to")


def _refuse_retired(path: str, policy: UtxoPolicy) -> None:
    """The rest comes back to the hot address that pays now; coins that lie at an earlier one are spent as all others."""
    tree = trees_of(policy)[0]
    if purpose_of_path(path) == tree.purpose:
        try:
            retired = is_retired(tree, path, policy)
        except PathForeign as reason:
            raise refuse(str(reason)) from None
        if retired:
            raise refuse("the change would go to a hot address that was rotated away", Ground.RETIRED)


def _address(path: str, policy: UtxoPolicy, keys: Keys) -> str:
    purpose = purpose_of_path(path)
    (tree,) = (tree for tree in trees_of(policy) if tree.purpose == purpose)
    try:
        tree.place(path)
    except PathForeign as reason:
        raise refuse(str(reason)) from None
    return address_of_key(keys.public_key(path), purpose, policy.chain)
