"""The one place that tells the kinds of network apart."""

from collections.abc import Mapping, Sequence
from typing import assert_never

from chains.bitcoin.address import p2wpkh_address
from chains.evm.address import public_key_address
from chains.signer.judging.effect import Effect
from chains.signer.judging.hot import hot_key
from chains.signer.judging.policy import EvmPolicy, NetworkPolicy, Policy, SepaPolicy, UtxoPolicy
from chains.signer.judging.weigh_bitcoin import trees_of, weigh_bitcoin
from chains.signer.judging.weigh_evm import weigh_evm
from chains.signer.judging.weigh_sepa import weigh_sepa
from chains.signer.keys.keys import Keys
from chains.signer.keys.paths import EVM_TREE, Tree
from chains.signer.signing import bitcoin, evm, sepa
from wallet.ports import HotAddress, Signed, SignRequest


def weigh(request: SignRequest, policy: NetworkPolicy, keys: Keys) -> Effect:
    """What signing would do. Raises `SignerRefused` for whatever is of no class that is ever signed."""
    match policy:
        case EvmPolicy():
            return weigh_evm(request, policy, keys)
        case UtxoPolicy():
            return weigh_bitcoin(request, policy, keys)
        case SepaPolicy():
            return weigh_sepa(request, policy)
        case _:
            assert_never(policy)


def sign_payload(request: SignRequest, policy: NetworkPolicy, keys: Keys) -> Signed:
    """Sign what was weighed and judged; nothing is asked here any more."""
    match policy:
        case EvmPolicy():
            path = request.paths[0]
            return evm.sign(request.payload, keys.reveal_private_key(path), keys.public_key(path))
        case UtxoPolicy():
            return bitcoin.sign(request.payload, [keys.reveal_private_key(path) for path in request.paths])
        case SepaPolicy():
            return sepa.sign(request.payload, keys.payout_file_key())
        case _:
            assert_never(policy)


def kept_bytes(policy: NetworkPolicy, signed: Signed) -> bytes:
    """What the memory keeps of a signature: all of it, but of a file that names people only what does not."""
    return sepa.signature_of(signed) if isinstance(policy, SepaPolicy) else signed.payload


def signed_again(policy: NetworkPolicy, kept: bytes, tx: str, payload: bytes) -> Signed:
    """The very bytes that were given before. `payload` is proven to be the same by the request's digest."""
    return sepa.rejoin(kept, payload) if isinstance(policy, SepaPolicy) else Signed(kept, tx)


def public_keys(policy: NetworkPolicy, keys: Keys) -> str:
    """As `wallet.ports.Signer.public_keys` promises them for one network."""
    match policy:
        case EvmPolicy():
            return _account_keys([EVM_TREE], keys, main=True)
        case UtxoPolicy():
            return _account_keys(trees_of(policy), keys, main=policy.main)
        case SepaPolicy():
            return keys.payout_file_key().public_key().public_bytes_raw().hex()
        case _:
            assert_never(policy)


def all_public_keys(keys: Keys, policy: Policy) -> Mapping[str, str]:
    return {network: public_keys(rules, keys) for network, rules in policy.items()}


def hot_addresses(policy: Policy, keys: Keys) -> tuple[HotAddress, ...]:
    """Where withdrawals are paid from now, on the networks that have such an address."""
    return tuple(hot for network, rules in policy.items() if (hot := _hot_address(network, rules, keys)) is not None)


def _hot_address(network: str, policy: NetworkPolicy, keys: Keys) -> HotAddress | None:
    match policy:
        case EvmPolicy():
            path, key = hot_key(EVM_TREE, policy, keys)
            return HotAddress(network, public_key_address(key), path, policy.retiring)
        case UtxoPolicy():
            path, key = hot_key(trees_of(policy)[0], policy, keys)
            return HotAddress(network, p2wpkh_address(key, policy.chain), path, policy.retiring)
        case SepaPolicy():
            return None
        case _:
            assert_never(policy)


def _account_keys(trees: Sequence[Tree], keys: Keys, *, main: bool) -> str:
    accounts = (tree.account(branch) for tree in trees for branch in tree.branches)
    return " ".join(keys.account_public_key(account, main=main) for account in accounts)
