"""Words on paper, by the published vectors (KEY-03); what is wrong with them is told without telling them."""

import json
from pathlib import Path

import pytest

from chains.signer.keys.keys import Keys
from chains.signer.keys.words import WORDS, WordsRefused, entropy_of, read_words, words_of

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "trezor-bip39" / "vectors.json").read_text("utf-8"))[
    "english"
]
LONG = [(bytes.fromhex(entropy), words.split()) for entropy, words, *_ in VECTORS if len(entropy) == 64]


@pytest.mark.parametrize(("entropy", "words"), LONG)
def test_key_03_words_and_entropy_are_those_of_the_vectors(entropy: bytes, words: list[str]) -> None:
    assert list(words_of(entropy)) == words
    assert entropy_of(words) == entropy


def test_key_03_a_passphrase_makes_other_keys() -> None:
    """The vectors' passphrase is TREZOR; the first one's master key is BIP-32's of their seed."""
    entropy, _, _, master = next(one for one in VECTORS if len(one[0]) == 64)
    with_it, without = Keys(bytes.fromhex(entropy), "TREZOR"), Keys(bytes.fromhex(entropy))
    assert with_it.fingerprint != without.fingerprint
    from bip32 import BIP32  # noqa: PLC0415

    assert with_it.fingerprint == BIP32.from_xpriv(master).get_fingerprint().hex()


def test_key_03_a_wrong_check_is_refused_and_no_word_is_told() -> None:
    words = list(LONG[1][1])
    swapped = [words[1], words[0], *words[2:]]
    for wrong in (swapped if swapped != words else words[::-1], ["abandon"] * WORDS, words[:-1], [*words[:-1], "zzzz"]):
        with pytest.raises(WordsRefused) as refused:
            entropy_of(wrong)
        assert not any(word in str(refused.value).split() for word in wrong if len(word) > 4)


def test_words_are_read_as_people_type_them() -> None:
    assert read_words("  Abandon\tabout \n zoo ") == ("abandon", "about", "zoo")
