"""All keys from one seed: BIP-39 entropy → BIP-32 tree for the chains, HKDF for what has no tree.

What this prevents: a key used for two things (each derivation has a domain tag of its own), and a key in a log: no
object here shows a secret in its text form, and none can be pickled.
"""

from typing import NoReturn

from bip32 import BIP32
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from eth_account.hdaccount.mnemonic import Mnemonic

ENTROPY_BYTES = 32  # 24 words: the most that BIP-39 knows
PUBLIC_KEPT_MAX = 4096  # public keys kept at hand: the hot address's is asked for three times a signature
_PAYOUT_FILE_TAG = b"coffer/payout-file-key/1"
_OPERATORS_TAG = b"coffer/signer-operators-key/1"
_MEMORY_TAG = b"coffer/signer-memory-key/1"
_CERTIFICATE_TAG = b"coffer/address-certificate-key/1"


class Keys:
    """The seed's keys. Lives in the signer process only."""

    __slots__ = ("_nodes", "_public", "_seed", "_tree", "_tree_test")

    def __init__(self, entropy: bytes, words_passphrase: str = "") -> None:
        """`words_passphrase` is BIP-39's, beside the words: with another one all keys are others."""
        if len(entropy) != ENTROPY_BYTES:
            raise ValueError(f"a seed is made from {ENTROPY_BYTES} bytes of entropy")
        words = Mnemonic()
        self._seed: bytes = words.to_seed(words.to_mnemonic(entropy), words_passphrase)
        self._tree = BIP32.from_seed(self._seed, network="main")
        self._tree_test = BIP32.from_seed(self._seed, network="test")
        self._nodes: dict[str, BIP32] = {}
        self._public: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return "<Keys, secret>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not copied out of their process")

    def reveal_private_key(self, path: str) -> bytes:
        """The 32-byte secp256k1 key at a path that ends in a plain index."""
        node, index = self._node(path)
        key: bytes = node.get_privkey_from_path([index])
        return key

    def public_key(self, path: str) -> bytes:
        """The 33-byte compressed secp256k1 point at a path that ends in a plain index."""
        if path not in self._public:
            node, index = self._node(path)
            if len(self._public) == PUBLIC_KEPT_MAX:
                self._public.clear()
            self._public[path] = node.get_pubkey_from_path([index])
        return self._public[path]

    def account_public_key(self, path: str, *, main: bool) -> str:
        """The extended public key of an account (BIP-32 xpub, or tpub for test chains)."""
        key: str = (self._tree if main else self._tree_test).get_xpub_from_path(path)
        return key

    @property
    def fingerprint(self) -> str:
        """BIP-32's short name of the master key, in hex: how wallets and PSBTs name a seed."""
        octets: bytes = self._tree.get_fingerprint()
        return octets.hex()

    def certificate_key(self) -> Ed25519PrivateKey:
        """The key that vouches for addresses which are handed out. It moves nothing."""
        return Ed25519PrivateKey.from_private_bytes(self._tagged(_CERTIFICATE_TAG))

    def payout_file_key(self) -> Ed25519PrivateKey:
        """The key that signs the files which go to banks."""
        return Ed25519PrivateKey.from_private_bytes(self._tagged(_PAYOUT_FILE_TAG))

    def memory_key(self) -> bytes:
        """Authenticates the signer's memory, so that only this seed can continue it."""
        return self._tagged(_MEMORY_TAG)

    def operators_key(self) -> bytes:
        """Seals the list of enrolled operators, so that whoever can write the file cannot write themselves into it."""
        return self._tagged(_OPERATORS_TAG)

    def _node(self, path: str) -> tuple[BIP32, int]:
        """The node above the index, kept: there are two a network, and one step from it is five times faster than five."""
        above, _, index = path.rpartition("/")
        if above not in self._nodes:
            chain_code, key = self._tree.get_extended_privkey_from_path(above)
            self._nodes[above] = BIP32(chain_code, privkey=key)
        return self._nodes[above], int(index)

    def _tagged(self, tag: bytes) -> bytes:
        return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=tag).derive(self._seed)
