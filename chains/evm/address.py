"""Addresses: made from public keys alone, and read so that a typing mistake is found before money is lost to it."""

import re
from functools import lru_cache

from bip32 import BIP32
from coincurve import PublicKey
from eth_hash.auto import keccak

from chains.child_keys import EXTERNAL, ChildKeys
from wallet.ports import Branch, Derived

RESERVED_MAX = 0xFFFF  # EIP-1352 keeps 0x0 to 0xffff for the zero address and precompiles; nobody holds keys to them
BURNT = frozenset(
    {
        "0xdead000000000000000042069420694206942069",
        "0xdeaddeaddeaddeaddeaddeaddeaddeaddeaddead",
        "0xdeaddeaddeaddeaddeaddeaddeaddeaddead0000",
        "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
    }
)
"""Where people burn tokens, and what some programs write for a chain's own asset. Besides them every address of one byte only,
twenty times: no key is known for any, and there are more ways to type one than to find one."""
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_CHECKSUMS_KEPT = 65_536  # about 10 MB; most of a block's addresses were in the blocks before it
_CASE_BITS = int.from_bytes(b"\x20" * 40, "big")
_ACCOUNTS = {Branch.DEPOSIT: 0, Branch.HOUSE: 1}


class AddressMalformed(ValueError):
    """A text that is no address to send to. The message never repeats the text: it may be hostile."""


def checksum(address: bytes) -> str:
    """The 20 bytes in the mixed-case form of EIP-55, our canonical form."""
    if len(address) != 20:
        raise AddressMalformed("an address has 20 bytes")
    return checksum_lower(address.hex())


@lru_cache(maxsize=_CHECKSUMS_KEPT)
def checksum_lower(digits: str) -> str:
    """EIP-55 of 40 lower-case hexadecimal digits."""
    return _cased(digits)


def _cased(digits: str) -> str:
    """All forty at once, as one number of forty bytes: in ASCII a letter differs from a digit in the bit 0x40, capitals from
    small letters in 0x20, and a hexadecimal digit of the hash is 8 or more if it has the bit 0x40 (a letter) or 0x08."""
    octets = digits.encode("ascii")
    text, marks = _number(octets), _number(keccak(octets).hex()[:40].encode("ascii"))
    capitals = text >> 1 & (marks >> 1 | marks << 2) & _CASE_BITS
    return "0x" + (text ^ capitals).to_bytes(40, "big").decode("ascii")


def _number(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def parse_address(text: str) -> str:
    """The canonical form. Raises `AddressMalformed` unless it is 0x and 40 digits, in one case or with its checksum right."""
    if not _ADDRESS.fullmatch(text):
        raise AddressMalformed("an address is 0x and 40 hexadecimal digits")
    digits = text[2:]
    canonical = checksum_lower(digits.lower())
    if digits not in {digits.lower(), digits.upper()} and text != canonical:
        raise AddressMalformed("the address's checksum is wrong (EIP-55): a letter or digit was mistyped")
    return canonical


def is_nobodys(address: str) -> bool:
    """Whether nobody can spend from there: the zero address, precompiles, and addresses that burn."""
    octets = to_bytes(address)
    return int.from_bytes(octets, "big") <= RESERVED_MAX or len(set(octets)) == 1 or address.lower() in BURNT


def parse_destination(text: str, tokens: frozenset[str]) -> str:
    """The canonical form of an address that somebody may hold keys to; `tokens` are canonical contract addresses, to
    which value is sent by mistake only. Raises `AddressMalformed`."""
    address = parse_address(text)
    if is_nobodys(address):
        raise AddressMalformed("nobody holds the keys to this address: what is sent there is lost")
    if address in tokens:
        raise AddressMalformed("this is the contract of a token, not an address that can receive it")
    return address


def to_bytes(address: str) -> bytes:
    return bytes.fromhex(address[2:])


def public_key_address(public_key: bytes) -> str:
    """The address of a secp256k1 public key: the last 20 bytes of keccak-256 of its point."""
    return _point_address(PublicKey(public_key))


def _point_address(point: PublicKey) -> str:
    """Past the cache: a new address is in no block yet."""
    return _cased(keccak(point.format(compressed=False)[1:])[-20:].hex())


class AddressTree:
    """Addresses below two account-level extended public keys, m/44'/60'/0' and m/44'/60'/1' (BIP-32, BIP-44).

    Raises `ValueError` at construction unless it gets exactly two different public keys of that depth. The message
    never repeats a key: somebody may have pasted a private one.
    """

    def __init__(self, public_keys: str) -> None:
        keys = public_keys.split()
        if len(keys) != 2 or keys[0] == keys[1]:
            raise ValueError('public keys are two, "deposit-xpub house-xpub"')
        self._children = {branch: _receiving_keys(keys[account]) for branch, account in _ACCOUNTS.items()}

    def derive(self, branch: Branch, index: int) -> Derived:
        """Raises `ValueError` outside of 0 to 2^31 - 1."""
        address = _point_address(self._children[branch].public_key(index))
        return Derived(address, f"m/44'/60'/{_ACCOUNTS[branch]}'/0/{index}")


def _receiving_keys(account_key: str) -> ChildKeys:
    if not account_key.startswith(("xpub", "tpub")):
        raise ValueError("an extended public key starts with xpub or tpub")
    try:
        account = BIP32.from_xpub(account_key)
    except ValueError:
        account = None
    if account is None or account.depth != 3:
        raise ValueError("an extended public key is malformed or not of an account (depth 3)")
    return ChildKeys(*account.get_extended_pubkey_from_path([EXTERNAL]))
