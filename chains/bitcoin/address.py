"""Addresses: ours from public keys alone, and strangers' from text, both as the scripts that the network really compares.

What this prevents: value sent to where nobody can spend it, and a deposit credited by a label instead of by its script.
Sources: BIP-32, BIP-84 and BIP-86 (our paths), BIP-141, BIP-341 (scripts), BIP-173 and BIP-350 (text).
"""

import hashlib
import re

from bip32 import BIP32
from bip32.base58 import b58decode_check, b58encode_check
from bip32.ripemd160 import ripemd160
from coincurve import PublicKeyXOnly

from chains.bitcoin.bech32 import decode_segwit, encode_segwit
from chains.bitcoin.parameters import Chain
from chains.bitcoin.taproot import output_key
from chains.child_keys import EXTERNAL, ChildKeys
from wallet.ports import Branch, Derived, Destination

_ADDRESS_CHARS_MAX = 90
_BURNT = frozenset(
    {
        "759d6677091e973b9e9d99f19c68fbf43e3f05f9",  # 1BitcoinEaterAddressDontSendf59kuE
        "818895f3dc2c178629d3d2d8fa3ec4a3f8179821",  # 1CounterpartyXXXXXXXXXXXXXXXUWLpVr
        "50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0",  # BIP-341: of no known key
    }
)
"""Hashes and keys in addresses that people burn at; and of one byte only, whatever the length."""
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]{26,35}", re.ASCII)
P2WPKH_PURPOSE, P2TR_PURPOSE = 84, 86
_P2TR_PATHS = f"m/{P2TR_PURPOSE}'/"
_ACCOUNTS = {
    Branch.DEPOSIT: (P2WPKH_PURPOSE, 0),
    Branch.HOUSE: (P2WPKH_PURPOSE, 1),
    Branch.DEPOSIT_TAPROOT: (P2TR_PURPOSE, 0),
}
"""Purpose and account number of each branch, in the order in which the signer tells the public keys."""


def hash160(octets: bytes) -> bytes:
    return _ripemd160(hashlib.sha256(octets).digest())


def _ripemd160(octets: bytes) -> bytes:
    try:
        return hashlib.new("ripemd160", octets, usedforsecurity=False).digest()
    except ValueError:  # an OpenSSL built without its legacy algorithms
        slow: bytes = ripemd160(octets)
        return slow


class AccountKeys:
    """The account-level public keys, customers' and the house's, and every address below them."""

    def __init__(self, public_keys: str, chain: Chain) -> None:
        """`public_keys` is "deposit-xpub house-xpub taproot-deposit-xpub"; books from before taproot know the first two.
        Raises `ValueError` for anything else or keys of another chain."""
        texts = public_keys.split(" ")
        if not 2 <= len(texts) <= len(_ACCOUNTS) or len(set(texts)) != len(texts):
            raise ValueError("there are two or three account public keys: customers', the house's, customers' taproot")
        self._chain = chain
        self._receiving = {branch: _receiving_keys(text, chain) for branch, text in zip(_ACCOUNTS, texts, strict=False)}

    @property
    def branches(self) -> frozenset[Branch]:
        """Those whose public key is known."""
        return frozenset(self._receiving)

    def derive(self, branch: Branch, index: int) -> Derived:
        """Raises `ValueError` for an index that no key has, and for a branch whose public key is not known."""
        if branch not in self._receiving:
            raise ValueError(f"no public key is known for the branch {branch}")
        purpose, account = _ACCOUNTS[branch]
        public_key = self._receiving[branch].public_key(index).format()
        path = f"m/{purpose}'/{self._chain.coin}'/{account}'/0/{index}"
        return Derived(address_of_key(public_key, purpose, self._chain), path)


def _receiving_keys(text: str, chain: Chain) -> ChildKeys:
    try:
        account = BIP32.from_xpub(text)
    except ValueError as error:
        raise ValueError("an account public key is a BIP-32 xpub or tpub") from error
    if account.network != ("main" if chain.real else "test"):
        raise ValueError(f"the account public key is not for the chain {chain.name}")
    if account.depth != 3:
        raise ValueError("an account public key lies three steps below the seed (m/purpose'/coin'/account')")
    return ChildKeys(*account.get_extended_pubkey_from_path([EXTERNAL]))


def p2wpkh_address(public_key: bytes, chain: Chain) -> str:
    """The address of a compressed public key."""
    return encode_segwit(chain.prefix, 0, hash160(public_key))


def p2tr_address(public_key: bytes, chain: Chain) -> str:
    """The address that this compressed public key alone can spend from, by the key path and without scripts."""
    return encode_segwit(chain.prefix, 1, output_key(public_key))


def address_of_key(public_key: bytes, purpose: int, chain: Chain) -> str:
    """The address of a key whose path begins with this purpose: the path alone says of which kind it is."""
    return p2tr_address(public_key, chain) if purpose == P2TR_PURPOSE else p2wpkh_address(public_key, chain)


def own_address_of(script: bytes, chain: Chain) -> str | None:
    """The address whose output script is exactly this one; None for every script of another kind than ours."""
    return None if purpose_of(script) is None else address_of(script, chain)


def purpose_of_path(path: str) -> int:
    """The purpose with which a path of ours begins."""
    return P2TR_PURPOSE if path.startswith(_P2TR_PATHS) else P2WPKH_PURPOSE


def purpose_of(script: bytes) -> int | None:
    """Under which purpose the key of such an output lies; None for scripts that are of no kind of ours."""
    match len(script), script[:2]:
        case 22, b"\x00\x14":
            return P2WPKH_PURPOSE
        case 34, b"\x51\x20":
            return P2TR_PURPOSE
        case _:
            return None


def address_of(script: bytes, chain: Chain) -> str | None:
    """The address of any standard output script, None for others. The inverse of `script_of`."""
    match script[:2], len(script):
        case (b"\x00\x14", 22) | (b"\x00\x20", 34):
            return encode_segwit(chain.prefix, 0, script[2:])
        case (b"\x51\x20", 34):
            return encode_segwit(chain.prefix, 1, script[2:])
        case (b"\x76\xa9", 25) if script[2] == 20 and script.endswith(b"\x88\xac"):
            return _base58(chain.p2pkh_version, script[3:23])
        case (b"\xa9\x14", 23) if script.endswith(b"\x87"):
            return _base58(chain.p2sh_version, script[2:22])
        case _:
            return None


def script_of(address: str, chain: Chain) -> bytes:
    """The output script that pays this address. Raises `ValueError` with a reason that people understand.

    Taken: P2PKH, P2SH, P2WPKH, P2WSH, P2TR. Witness versions above 1 are refused: nobody can own them yet.
    """
    if not address or len(address) > _ADDRESS_CHARS_MAX or not address.isascii():
        raise ValueError("an address has at most 90 ASCII characters and is not empty")
    if _BASE58.fullmatch(address):
        return _base58_script(address, chain)
    prefix, version, program = decode_segwit(address)
    if prefix != chain.prefix:
        raise ValueError(f"the address is not one of this chain: those start with {chain.prefix}1")
    if version == 0:
        return bytes([0, len(program)]) + program
    if version > 1 or len(program) != 32:
        raise ValueError("nobody can spend from an address of this witness version and length yet")
    _refuse_unspendable(program)
    return b"\x51\x20" + program


def _refuse_unspendable(x_only_key: bytes) -> None:
    """About half of all 32-byte strings are no public key: what is paid there is burnt."""
    try:
        PublicKeyXOnly(x_only_key)
    except ValueError as error:
        raise ValueError("the address is well written but belongs to no possible key") from error


def _refuse_burnt(script: bytes) -> None:
    """Each kind of script that we make has one push, of a hash or of a key."""
    pushed = script[3:-2] if script.startswith(b"\x76") else script[2:-1] if script.startswith(b"\xa9") else script[2:]
    if len(set(pushed)) == 1 or pushed.hex() in _BURNT:
        raise ValueError("nobody can spend from this address: what is sent there is burnt")


def _base58_script(address: str, chain: Chain) -> bytes:
    try:
        octets: bytes = b58decode_check(address)
    except ValueError as error:
        raise ValueError("the checksum of the address is wrong: it is mistyped") from error
    if len(octets) == 21 and octets[0] == chain.p2pkh_version:
        return b"\x76\xa9\x14" + octets[1:] + b"\x88\xac"
    if len(octets) == 21 and octets[0] == chain.p2sh_version:
        return b"\xa9\x14" + octets[1:] + b"\x87"
    raise ValueError(f"the address is not one of the chain {chain.name}")


def _base58(version: int, digest: bytes) -> str:
    text: bytes = b58encode_check(bytes([version]) + digest)
    return text.decode("ascii")


def check_destination(destination: Destination, chain: Chain) -> Destination:
    """The same destination with its address as the network would write it. Raises `ValueError` with the reason."""
    if destination.name is not None:
        raise ValueError("a destination here is an address alone")
    script = script_of(destination.address, chain)
    _refuse_burnt(script)
    address = address_of(script, chain)
    assert address is not None, "every script that we make has an address"
    return Destination(address)
