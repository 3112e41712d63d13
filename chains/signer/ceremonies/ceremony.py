"""The ceremonies of the seed: make it, back it up, have it back from its words. Each goes on record (`log`).

What this prevents: a seed without a backup, a backup that was never read, and a secret where it can be found later. The words
are shown to the people at the terminal and to nobody else (`talk`); a part of them is typed back before anything is written; in
files there is the sealed keystore alone.

    create    entropy of the system ─▶ words shown ─▶ a part typed back ─▶ keystore and memory ─▶ public keys
    back_up   keystore ─▶ words shown ─▶ a part typed back
    restore   words typed ─▶ addresses shown and agreed ─▶ keystore. The memory is lost: the signer starts locked
    start_afresh  an empty memory for a restored keystore, for a reason
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chains.signer.ceremonies.log import check_witnesses, write_down
from chains.signer.ceremonies.talk import Talk
from chains.signer.keys.keys import ENTROPY_BYTES, Keys
from chains.signer.keys.keystore import KeystoreRefused, Unlocked, new_unlocked, with_new_memory
from chains.signer.keys.words import WordsRefused, entropy_of, read_words, words_of
from chains.signer.kinds import all_public_keys, hot_addresses
from chains.signer.settings import Settings
from chains.signer.start import begin_memory, create_signer, restore_keystore, unlock

ASKED_BACK = 4  # of 24: a list written down in a wrong order or with a word left out fails three times in four or more
TRIES_MAX = 3
_COLUMNS = 4


class CeremonyStopped(Exception):
    """It was not finished, and nothing was written."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """`at` is the time that goes on record, in UTC."""

    settings: Settings
    talk: Talk
    witnesses: tuple[str, ...]
    at: str


@dataclass(frozen=True, slots=True)
class Done:
    """What may be published: `fingerprint` is BIP-32's name of the master key, `keys` are the networks' public keys, `hot` the
    addresses that pay; `record` is the hash of the ceremony's line."""

    fingerprint: str
    certificate_key: str
    keys: Mapping[str, str]
    hot: Mapping[str, str]
    record: str


def create(ceremony: Ceremony, *, with_passphrase: bool) -> Done:
    """Raises `CeremonyStopped`, `TalkEnded`, `KeystoreRefused`, `PassphraseRefused`, `FileUnsafe`, `WitnessesMissing`."""
    check_witnesses(ceremony.witnesses)
    _refuse_development(ceremony.settings)
    if ceremony.settings.keystore.exists():
        raise KeystoreRefused(f"{ceremony.settings.keystore} exists; a keystore is never replaced")
    unlocked = new_unlocked(_new_passphrase(ceremony.talk) if with_passphrase else "")
    asked = _shown_and_typed_back(ceremony.talk, unlocked)
    create_signer(ceremony.settings, unlocked)
    entropy = {"source": "the operating system (getrandom)", "bits": 8 * ENTROPY_BYTES}
    return _recorded(ceremony, "created", unlocked, {"entropy": entropy, "typed_back": asked})


def back_up(ceremony: Ceremony) -> Done:
    """Shows the words of the keystore that is there. Raises as `create`."""
    check_witnesses(ceremony.witnesses)
    unlocked = unlock(ceremony.settings)
    asked = _shown_and_typed_back(ceremony.talk, unlocked)
    return _recorded(ceremony, "backed_up", unlocked, {"typed_back": asked})


def restore(ceremony: Ceremony) -> Done:
    """Raises as `create`, and `WordsRefused` after so many tries."""
    check_witnesses(ceremony.witnesses)
    _refuse_development(ceremony.settings)
    unlocked = with_new_memory(*typed_seed(ceremony.talk))
    keys = Keys(unlocked.entropy, unlocked.words_passphrase)
    for hot in hot_addresses(ceremony.settings.policy, keys):
        ceremony.talk.show(f"{hot.network}: the hot address of these words is {hot.address}")
    if ceremony.talk.ask("Are these your addresses? Type yes:").strip().lower() != "yes":
        raise CeremonyStopped("these are other words, or there is another passphrase; nothing was written")
    restore_keystore(ceremony.settings, unlocked)
    return _recorded(ceremony, "restored", unlocked, {})


def start_afresh(ceremony: Ceremony, reason: str) -> Done:
    """An empty memory, after people have made sure that nothing which it should remember can be asked for again."""
    check_witnesses(ceremony.witnesses)
    if not reason.strip():
        raise CeremonyStopped("a memory is begun for a reason: it goes on record")
    if ceremony.talk.ask("The signer will not know what it has signed. Type yes:").strip().lower() != "yes":
        raise CeremonyStopped("nothing was written")
    begin_memory(ceremony.settings)
    return _recorded(ceremony, "memory_begun", unlock(ceremony.settings), {"reason": reason})


def typed_seed(talk: Talk) -> tuple[bytes, str]:
    """Entropy and passphrase of words that people type. Raises `WordsRefused` when none of the tries fit, `TalkEnded`."""
    for left in range(TRIES_MAX - 1, -1, -1):
        try:
            entropy = entropy_of(read_words(talk.ask_secret("The 24 words, with spaces between them:")))
            break
        except WordsRefused as refusal:
            talk.show(f"No: {refusal}")
            if not left:
                raise
    talk.wipe()
    return entropy, talk.ask_secret("The passphrase beside the words (empty if there is none):")


def _refuse_development(settings: Settings) -> None:
    if settings.dev:
        raise CeremonyStopped(
            "this signer's file says dev = true: its seed is made at the first start and is not for money"
        )


def _new_passphrase(talk: Talk) -> str:
    first = talk.ask_secret("A passphrase beside the words. Without it they are worth nothing to a thief, and to you:")
    if not first or not secrets.compare_digest(first.encode(), talk.ask_secret("The same again:").encode()):
        raise CeremonyStopped("the passphrase is empty, or differs the second time; nothing was written")
    return first


def _shown_and_typed_back(talk: Talk, unlocked: Unlocked) -> list[int]:
    """The places of the words that were asked for. Raises `CeremonyStopped`."""
    words = words_of(unlocked.entropy)
    talk.show("Write these 24 words on paper, with their numbers. Nobody else may see them; they are not shown again.")
    for start in range(0, len(words), _COLUMNS):
        row = enumerate(words[start : start + _COLUMNS], start=start + 1)
        talk.show("   ".join(f"{place:2} {word:8}" for place, word in row).rstrip())
    talk.ask("Press Enter when all of them are on paper:")
    talk.wipe()
    places = sorted(secrets.SystemRandom().sample(range(1, len(words) + 1), ASKED_BACK))
    for place in places:
        _typed_back(talk, f"Word {place} from your paper:", words[place - 1])
    if unlocked.words_passphrase:
        _typed_back(talk, "The passphrase from your paper:", unlocked.words_passphrase)
    return places


def _typed_back(talk: Talk, question: str, wanted: str) -> None:
    for _ in range(TRIES_MAX):
        if secrets.compare_digest(talk.ask_secret(question).strip().encode(), wanted.encode()):
            return
        talk.show("That is not what was shown. Look at your paper again.")
    raise CeremonyStopped("the paper does not say what was shown; begin again with new paper")


def _recorded(ceremony: Ceremony, what: str, unlocked: Unlocked, facts: Mapping[str, Any]) -> Done:
    settings = ceremony.settings
    keys = Keys(unlocked.entropy, unlocked.words_passphrase)
    public = dict(all_public_keys(keys, settings.policy))
    hot = {one.network: one.address for one in hot_addresses(settings.policy, keys)}
    certificate_key = keys.certificate_key().public_key().public_bytes_raw().hex()
    told = {
        "fingerprint": keys.fingerprint,
        "public_keys": public,
        "hot": hot,
        "certificate_key": certificate_key,
        "passphrase_beside_words": bool(unlocked.words_passphrase),
        "keystore_sha256": hashlib.sha256(settings.keystore.read_bytes()).hexdigest(),
    }
    record = write_down(settings.ceremonies, what, ceremony.witnesses, {**told, **facts}, ceremony.at)
    return Done(keys.fingerprint, certificate_key, public, hot, record)
