"""What an independent wallet needs to find the same addresses from the same words: paths, public keys, descriptors, and a few
addresses to compare. No secret is in it."""

from dataclasses import dataclass
from typing import assert_never

from chains.signer.addresses.descriptors import receiving_descriptor
from chains.signer.addresses.rederive import Rederived
from chains.signer.judging.policy import EvmPolicy, NetworkPolicy, SepaPolicy, UtxoPolicy
from chains.signer.keys.keys import Keys
from chains.signer.keys.paths import Tree
from wallet.ports import Branch

SAMPLES = 5


@dataclass(frozen=True, slots=True)
class AccountReport:
    """`descriptor` is there where wallets read descriptors. `samples` are the addresses at `path`/0/0 and on."""

    branch: str
    path: str
    public_key: str
    descriptor: str | None
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NetworkReport:
    kind: str
    fingerprint: str
    accounts: tuple[AccountReport, ...]


def report_of(policy: NetworkPolicy, keys: Keys) -> NetworkReport | None:
    """None for a bank: its account is no key of this seed."""
    match policy:
        case EvmPolicy() | UtxoPolicy():
            made, kind = Rederived(policy, keys), "evm" if isinstance(policy, EvmPolicy) else "bitcoin"
            accounts = tuple(
                _account(policy, keys, made, tree, branch, number)
                for tree in made.trees
                for branch in tree.branches
                for number in _numbers(policy, branch)
            )
            return NetworkReport(kind, keys.fingerprint, accounts)
        case SepaPolicy():
            return None
        case _:
            assert_never(policy)


def _numbers(policy: EvmPolicy | UtxoPolicy, branch: Branch) -> range:
    return range(policy.hot + 1 if branch is Branch.HOUSE else 1)


def _account(
    policy: EvmPolicy | UtxoPolicy, keys: Keys, made: Rederived, tree: Tree, branch: Branch, number: int
) -> AccountReport:
    """`number` counts the house's hot keys, of which each is alone in its account."""
    path = tree.account(branch) if not number else tree.hot(number).removesuffix("/0/0")
    public_key = keys.account_public_key(path, main=isinstance(policy, EvmPolicy) or policy.main)
    descriptor = None
    if isinstance(policy, UtxoPolicy):
        descriptor = receiving_descriptor(tree.purpose, keys.fingerprint, path, public_key)
    samples = tuple(made.address(f"{path}/0/{index}") for index in range(1 if number else SAMPLES))
    return AccountReport(branch.value, path, public_key, descriptor, samples)
