"""The seed as words on paper (BIP-39, English): 24 words for 256 bits, of which the last 8 bits of the last word are a check.

What this prevents: a seed that exists in one file alone, and words that were noted down wrongly and are found to be on the day
they are needed. No refusal repeats a word: it may be a mistyped secret.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from eth_account.hdaccount.mnemonic import Mnemonic

from chains.signer.keys.keys import ENTROPY_BYTES

WORDS: Final = 24
_BITS_A_WORD: Final = 11
_CHECK_BITS: Final = 8
_LIST: Final[tuple[str, ...]] = tuple(Mnemonic().wordlist)
_PLACES: Final = {word: place for place, word in enumerate(_LIST)}


class WordsRefused(ValueError):
    """These are not the words of a seed. The message names places, never a word."""


def words_of(entropy: bytes) -> tuple[str, ...]:
    """Raises `ValueError` for anything but 256 bits."""
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError(f"a seed is made from {ENTROPY_BYTES} bytes of entropy")
    number = int.from_bytes(entropy, "big") << _CHECK_BITS | hashlib.sha256(entropy).digest()[0]
    shifts = range(_BITS_A_WORD * (WORDS - 1), -1, -_BITS_A_WORD)
    return tuple(_LIST[number >> shift & 2**_BITS_A_WORD - 1] for shift in shifts)


def entropy_of(words: Sequence[str]) -> bytes:
    """Raises `WordsRefused`: another count, a word that is not in the list, or a check that does not fit."""
    if len(words) != WORDS:
        raise WordsRefused(f"a seed of this node has {WORDS} words, not {len(words)}")
    unknown = [place for place, word in enumerate(words, start=1) if word not in _PLACES]
    if unknown:
        raise WordsRefused(f"word {unknown[0]} is not in BIP-39's English list: it is misread or mistyped")
    number = 0
    for word in words:
        number = number << _BITS_A_WORD | _PLACES[word]
    entropy = (number >> _CHECK_BITS).to_bytes(ENTROPY_BYTES, "big")
    if hashlib.sha256(entropy).digest()[0] != number & 2**_CHECK_BITS - 1:
        raise WordsRefused("the words do not fit together: one is another word of the list, or two are swapped")
    return entropy


def read_words(text: str) -> tuple[str, ...]:
    """As people type them: spaces, line ends and capitals do not matter."""
    return tuple(text.lower().split())
