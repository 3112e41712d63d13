"""Addresses of ours made again from the seed, fast: for a rehearsal, and before the signer vouches for them."""

from typing import assert_never

from bip32 import BIP32

from chains.bitcoin.address import address_of_key
from chains.child_keys import EXTERNAL, ChildKeys
from chains.evm.address import public_key_address
from chains.signer.judging.policy import EvmPolicy, NetworkPolicy, SepaPolicy, UtxoPolicy
from chains.signer.judging.weigh_bitcoin import trees_of
from chains.signer.keys.keys import Keys
from chains.signer.keys.paths import EVM_TREE, PathForeign, Tree


class Rederived:
    """The addresses of one network. Each account is derived once; what is left for an address is one public step."""

    def __init__(self, policy: EvmPolicy | UtxoPolicy, keys: Keys) -> None:
        self._policy, self._keys = policy, keys
        self._children: dict[str, ChildKeys] = {}

    @property
    def trees(self) -> tuple[Tree, ...]:
        return trees_of(self._policy) if isinstance(self._policy, UtxoPolicy) else (EVM_TREE,)

    def address(self, path: str) -> str:
        """Raises `PathForeign` for a path outside of this network's trees."""
        tree = self._tree(path)
        index = tree.place(path).index
        key = self._account(path).public_key(index).format()
        match self._policy:
            case EvmPolicy():
                return public_key_address(key)
            case UtxoPolicy():
                return address_of_key(key, tree.purpose, self._policy.chain)
            case _:
                assert_never(self._policy)

    def _tree(self, path: str) -> Tree:
        for tree in self.trees:
            if path.startswith(f"m/{tree.purpose}'/"):
                return tree
        raise PathForeign("a key path lies outside this network's trees")

    def _account(self, path: str) -> ChildKeys:
        above = path.rpartition("/")[0].rpartition("/")[0]
        if above not in self._children:
            account = BIP32.from_xpub(self._keys.account_public_key(above, main=True))
            self._children[above] = ChildKeys(*account.get_extended_pubkey_from_path([EXTERNAL]))
        return self._children[above]


def rederived(policy: NetworkPolicy, keys: Keys) -> Rederived | None:
    """None for a bank, whose addresses are references and no keys."""
    return None if isinstance(policy, SepaPolicy) else Rederived(policy, keys)
