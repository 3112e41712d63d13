"""The signer vouches for addresses: only for those that it derives itself, each at the path that it is told."""

from collections.abc import Mapping, Sequence

from chains.signer.addresses.rederive import Rederived, rederived
from chains.signer.judging.effect import refuse
from chains.signer.judging.policy import Policy
from chains.signer.keys.keys import Keys
from chains.signer.keys.paths import PathForeign
from wallet.addresses.certificate import ENTRIES_MAX, Entry, Vouched, leaf_of, signed_message


class Certifier:
    """Made once: the account keys are kept."""

    def __init__(self, keys: Keys, policy: Policy) -> None:
        self._private = keys.certificate_key()
        self.key: str = self._private.public_key().public_bytes_raw().hex()
        made = {network: rederived(rules, keys) for network, rules in policy.items()}
        self._networks: Mapping[str, Rederived] = {name: one for name, one in made.items() if one is not None}

    def certify(self, entries: Sequence[Entry]) -> Vouched:
        """Raises `SignerRefused` for all of them if one is not ours, or not at its path."""
        if not 0 < len(entries) <= ENTRIES_MAX:
            raise refuse(f"1 to {ENTRIES_MAX} addresses are vouched for at a time")
        for entry in entries:
            self._check(entry)
        signature = self._private.sign(signed_message([leaf_of(entry) for entry in entries]))
        return Vouched(self.key, signature.hex())

    def _check(self, entry: Entry) -> None:
        network = self._networks.get(entry.network)
        if network is None:
            raise refuse("this signer has no keys on that network")
        try:
            derived = network.address(entry.path)
        except PathForeign as reason:
            raise refuse(str(reason)) from None
        if derived != entry.address:
            raise refuse(f"the address at {entry.path} is another one than the books say")
