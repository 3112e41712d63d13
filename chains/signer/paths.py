"""Key paths of ours, by BIP-44, BIP-84 and BIP-86: the customers' account, the house account, and nothing else.

What this prevents: a request that names a key outside the trees of its network, or one path spelled in two ways.
"""

import re
from dataclasses import dataclass

from wallet.ports import Branch

INDEX_MAX = 2**31 - 1  # BIP-32: above lie the hardened children
_PATH = re.compile(r"m/([0-9]{2})'/(0|[1-9][0-9]{0,9})'/([01])'/0/(0|[1-9][0-9]{0,9})", re.ASCII)
_BRANCHES = (Branch.DEPOSIT, Branch.HOUSE)  # the account number of each
_TAPROOT_BRANCHES = (Branch.DEPOSIT_TAPROOT,)  # the house needs none: its own address is of the other kind


class PathForeign(ValueError):
    """A path that is not of this network's trees, or not spelled canonically."""


@dataclass(frozen=True, slots=True)
class Place:
    branch: Branch
    index: int


@dataclass(frozen=True, slots=True)
class Tree:
    """m / purpose' / coin' / account' / 0 / index, with account 0 for customers' deposits and 1 for the house."""

    purpose: int
    coin: int
    branches: tuple[Branch, ...] = _BRANCHES

    def account(self, branch: Branch) -> str:
        return f"m/{self.purpose}'/{self.coin}'/{self.branches.index(branch)}'"

    def path(self, branch: Branch, index: int) -> str:
        return f"{self.account(branch)}/0/{index}"

    @property
    def hot(self) -> str:
        """The key that pays withdrawals."""
        return self.path(Branch.HOUSE, 0)

    def place(self, path: str) -> Place:
        """Read a path of this tree. Raises `PathForeign`."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise PathForeign("a key path has the form m/44'/60'/0'/0/7")
        purpose, coin, account, index = (int(part) for part in match.groups())
        known = (purpose, coin) == (self.purpose, self.coin) and account < len(self.branches)
        if not known or index > INDEX_MAX:
            raise PathForeign("a key path lies outside this network's trees")
        return Place(self.branches[account], index)


EVM_TREE = Tree(purpose=44, coin=60)
"""BIP-44 with Ethereum's coin type (SLIP-44), the same on every EVM chain."""


def p2wpkh_tree(coin: int) -> Tree:
    """BIP-84, with the chain's number: 0 on Bitcoin's main chain, 1 on all test chains (SLIP-44)."""
    return Tree(purpose=84, coin=coin)


def p2tr_tree(coin: int) -> Tree:
    """BIP-86, customers' deposits only."""
    return Tree(purpose=86, coin=coin, branches=_TAPROOT_BRANCHES)
