"""Addresses: made from public keys alone, and read so that a typing mistake is found before money is lost to it."""

import re
from functools import lru_cache

from bip32 import BIP32
from coincurve import PublicKey
from eth_hash.auto import keccak

from wallet.ports import Branch, Derived

INDEX_MAX = 2**31 - 1  # non-hardened children, BIP-32
RESERVED_MAX = 0xFFFF  # EIP-1352 keeps 0x0 to 0xffff for the zero address and precompiles; nobody holds keys to them
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)
_CHECKSUMS_KEPT = 65_536  # about 10 MB; most of a block's addresses were in the blocks before it
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
    marks = keccak(digits.encode("ascii")).hex()
    return "0x" + "".join(
        digit.upper() if mark >= "8" else digit for digit, mark in zip(digits, marks[:40], strict=True)
    )


def parse_address(text: str) -> str:
    """The canonical form. Raises `AddressMalformed` unless it is 0x and 40 digits, in one case or with its checksum right."""
    if not _ADDRESS.fullmatch(text):
        raise AddressMalformed("an address is 0x and 40 hexadecimal digits")
    digits = text[2:]
    canonical = checksum_lower(digits.lower())
    if digits not in {digits.lower(), digits.upper()} and text != canonical:
        raise AddressMalformed("the address's checksum is wrong (EIP-55): a letter or digit was mistyped")
    return canonical


def parse_destination(text: str, tokens: frozenset[str]) -> str:
    """The canonical form of an address that somebody may hold keys to; `tokens` are canonical contract addresses, to
    which value is sent by mistake only. Raises `AddressMalformed`."""
    address = parse_address(text)
    if int(address, 16) <= RESERVED_MAX:
        raise AddressMalformed("nobody holds the keys to this address: what is sent there is lost")
    if address in tokens:
        raise AddressMalformed("this is the contract of a token, not an address that can receive it")
    return address


def to_bytes(address: str) -> bytes:
    return bytes.fromhex(address[2:])


def public_key_address(public_key: bytes) -> str:
    """The address of a secp256k1 public key: the last 20 bytes of keccak-256 of its point."""
    point = PublicKey(public_key).format(compressed=False)[1:]
    return checksum(keccak(point)[-20:])


class AddressTree:
    """Addresses below two account-level extended public keys, m/44'/60'/0' and m/44'/60'/1' (BIP-32, BIP-44).

    Raises `ValueError` at construction unless it gets exactly two different public keys of that depth. The message
    never repeats a key: somebody may have pasted a private one.
    """

    def __init__(self, public_keys: str) -> None:
        keys = public_keys.split()
        if len(keys) != 2 or keys[0] == keys[1]:
            raise ValueError('public keys are two, "deposit-xpub house-xpub"')
        self._nodes = {branch: _receiving_node(keys[account]) for branch, account in _ACCOUNTS.items()}

    def derive(self, branch: Branch, index: int) -> Derived:
        """Raises `ValueError` outside of 0 to 2^31 - 1."""
        if not 0 <= index <= INDEX_MAX:
            raise ValueError(f"an index lies between 0 and {INDEX_MAX}")
        public_key = self._nodes[branch].get_pubkey_from_path([index])
        return Derived(public_key_address(public_key), f"m/44'/60'/{_ACCOUNTS[branch]}'/0/{index}")


def _receiving_node(account_key: str) -> BIP32:
    """The node m/…/0 below an account's extended public key, kept so that each address costs one derivation."""
    if not account_key.startswith(("xpub", "tpub")):
        raise ValueError("an extended public key starts with xpub or tpub")
    try:
        account = BIP32.from_xpub(account_key)
    except ValueError:
        account = None
    if account is None or account.depth != 3:
        raise ValueError("an extended public key is malformed or not of an account (depth 3)")
    return BIP32.from_xpub(account.get_xpub_from_path([0]))
