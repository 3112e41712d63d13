"""Key paths of ours, by BIP-44, BIP-84 and BIP-86: the customers' account, the house's accounts, and nothing else.

What this prevents: a request that names a key outside the trees of its network, or one path spelled in two ways; and a hot
key that falls with the one before it. Each hot key has a hardened account of its own: below one account, a stolen key and the
account's public key, which the database knows, give away all of its siblings (BIP-32, "Security").
"""

import re
from dataclasses import dataclass

from wallet.ports import Branch

INDEX_MAX = 2**31 - 1  # BIP-32: above lie the hardened children
HOT_MAX = 998  # one rotation a day for almost three years; accounts from 1000 on are left for others
_PATH = re.compile(r"m/([0-9]{2})'/(0|[1-9][0-9]{0,9})'/(0|[1-9][0-9]{0,2})'/0/(0|[1-9][0-9]{0,9})", re.ASCII)
_BRANCHES = (Branch.DEPOSIT, Branch.HOUSE)  # the account number of each
_TAPROOT_BRANCHES = (Branch.DEPOSIT_TAPROOT,)  # the house needs none: its own address is of the other kind


class PathForeign(ValueError):
    """A path that is not of this network's trees, or not spelled canonically."""


@dataclass(frozen=True, slots=True)
class Place:
    """`hot` counts the house's accounts: 0 is the first, and each rotation takes the next."""

    branch: Branch
    index: int
    hot: int = 0


@dataclass(frozen=True, slots=True)
class Tree:
    """m / purpose' / coin' / account' / 0 / index, with account 0 for customers' deposits, 1 for the house, and the accounts
    after it for the house's later hot keys."""

    purpose: int
    coin: int
    branches: tuple[Branch, ...] = _BRANCHES

    def account(self, branch: Branch) -> str:
        return f"m/{self.purpose}'/{self.coin}'/{self.branches.index(branch)}'"

    def path(self, branch: Branch, index: int) -> str:
        return f"{self.account(branch)}/0/{index}"

    def hot(self, number: int = 0) -> str:
        """The key that pays withdrawals, after so many rotations."""
        if not 0 <= number <= HOT_MAX:
            raise PathForeign(f"a hot key has a number from 0 to {HOT_MAX}")
        return f"m/{self.purpose}'/{self.coin}'/{self.branches.index(Branch.HOUSE) + number}'/0/0"

    def place(self, path: str) -> Place:
        """Read a path of this tree. Raises `PathForeign`."""
        match = _PATH.fullmatch(path)
        if match is None:
            raise PathForeign("a key path has the form m/44'/60'/0'/0/7")
        purpose, coin, account, index = (int(part) for part in match.groups())
        if (purpose, coin) != (self.purpose, self.coin) or index > INDEX_MAX or not self._has(account, index):
            raise PathForeign("a key path lies outside this network's trees")
        last = len(self.branches) - 1
        return Place(self.branches[min(account, last)], index, max(account - last, 0))

    def _has(self, account: int, index: int) -> bool:
        """Later hot keys are one each: the first of their account."""
        later = Branch.HOUSE in self.branches and index == 0
        return account < len(self.branches) or later


EVM_TREE = Tree(purpose=44, coin=60)
"""BIP-44 with Ethereum's coin type (SLIP-44), the same on every EVM chain."""


def p2wpkh_tree(coin: int) -> Tree:
    """BIP-84, with the chain's number: 0 on Bitcoin's main chain, 1 on all test chains (SLIP-44)."""
    return Tree(purpose=84, coin=coin)


def p2tr_tree(coin: int) -> Tree:
    """BIP-86, customers' deposits only."""
    return Tree(purpose=86, coin=coin, branches=_TAPROOT_BRANCHES)
