"""Output descriptors (BIP-380, BIP-382, BIP-386): how other wallets are told which addresses a public key stands for."""

from typing import Final

from chains.bitcoin.address import P2TR_PURPOSE

_INPUT: Final = (
    "0123456789()[],'/*abcdefgh@:$%{}IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "  # BIP-380
)
_CHECKSUM: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD)


def receiving_descriptor(purpose: int, fingerprint: str, account: str, public_key: str) -> str:
    """All addresses m/…/0/* below an account, with where its key comes from, so that any wallet can sign for it."""
    origin = f"[{fingerprint}/{account.removeprefix('m/')}]"
    script = "tr" if purpose == P2TR_PURPOSE else "wpkh"
    return checked(f"{script}({origin}{public_key}/0/*)")


def checked(descriptor: str) -> str:
    """With its checksum (BIP-380). Raises `ValueError` for a character that no descriptor has."""
    symbols = []
    groups: list[int] = []
    for character in descriptor:
        place = _INPUT.index(character)
        symbols.append(place & 31)
        groups.append(place >> 5)
        if len(groups) == 3:
            symbols.append(groups[0] * 9 + groups[1] * 3 + groups[2])
            groups = []
    if groups:
        symbols.append(groups[0] if len(groups) == 1 else groups[0] * 3 + groups[1])
    found = _polymod([*symbols, 0, 0, 0, 0, 0, 0, 0, 0]) ^ 1
    return f"{descriptor}#{''.join(_CHECKSUM[found >> 5 * (7 - place) & 31] for place in range(8))}"


def _polymod(symbols: list[int]) -> int:
    check = 1
    for value in symbols:
        top = check >> 35
        check = (check & 0x7FFFFFFFF) << 5 ^ value
        for place, part in enumerate(_GENERATOR):
            check ^= part if top >> place & 1 else 0
    return check
