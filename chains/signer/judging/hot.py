"""Which hot key pays: the signer's own file says it (`hot`, `retiring` of `policy`), no request and no database.

What this prevents: a hot key that was rotated away because it may be known, and that goes on paying. While `retiring` is set
the one before it still signs, since the node has reserved nonces and change outputs on it that would be lost otherwise.
"""

from chains.signer.judging.effect import refuse
from chains.signer.judging.policy import EvmPolicy, UtxoPolicy
from chains.signer.keys.keys import Keys
from chains.signer.keys.paths import PathForeign, Place, Tree
from wallet.ports import Branch, Ground


def hot_paths(tree: Tree, policy: EvmPolicy | UtxoPolicy) -> tuple[str, ...]:
    """Those that pay, and to which value of ours returns."""
    oldest = max(policy.hot - policy.retiring, 0)
    return tuple(tree.hot(number) for number in range(policy.hot, oldest - 1, -1))


def check_hot(tree: Tree, path: str, policy: EvmPolicy | UtxoPolicy, rule: str) -> None:
    """Raises `SignerRefused`: for another hot key of ours with the ground that it is the wrong one now."""
    if path in hot_paths(tree, policy):
        return
    try:
        place = tree.place(path)
    except PathForeign:
        place = Place(Branch.DEPOSIT, 0)
    ground = Ground.RETIRED if place.branch is Branch.HOUSE and place.index == 0 else Ground.POLICY
    raise refuse(rule, ground)


def is_retired(tree: Tree, path: str, policy: EvmPolicy | UtxoPolicy) -> bool:
    """A key of the house that nothing of ours goes to any more. Raises `PathForeign`."""
    return tree.place(path).branch is Branch.HOUSE and path not in hot_paths(tree, policy)


def hot_key(tree: Tree, policy: EvmPolicy | UtxoPolicy, keys: Keys) -> tuple[str, bytes]:
    """Path and public key of the one that pays now."""
    path = tree.hot(policy.hot)
    return path, keys.public_key(path)
