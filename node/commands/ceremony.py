"""`coffer keys create` and its like: the conversation, the privacy of this process, and one line for what is refused."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from chains.signer.ceremonies import ceremony
from chains.signer.ceremonies.ceremony import Ceremony, CeremonyStopped, Done
from chains.signer.ceremonies.log import CeremonyLogBroken, WitnessesMissing, read_ceremonies
from chains.signer.ceremonies.talk import DescriptorTalk, Talk, TalkEnded, TerminalTalk
from chains.signer.files import FileUnsafe
from chains.signer.keys.keys import Keys
from chains.signer.keys.keystore import KeystoreRefused
from chains.signer.keys.passphrase import PassphraseRefused
from chains.signer.keys.words import WordsRefused
from chains.signer.privacy import keep_private
from chains.signer.settings import Settings, SettingsRefused, read_settings
from wallet.journal.body import time_text

REFUSALS = (
    CeremonyLogBroken,
    CeremonyStopped,
    FileUnsafe,
    KeystoreRefused,
    OSError,
    PassphraseRefused,
    SettingsRefused,
    TalkEnded,
    WitnessesMissing,
    WordsRefused,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says: nothing of it is secret."""

    signer: Path
    witnesses: tuple[str, ...]
    descriptor: int | None
    as_json: bool


def create(asked: Asked, *, with_passphrase: bool) -> int:
    return _held(asked, lambda one: ceremony.create(one, with_passphrase=with_passphrase))


def back_up(asked: Asked) -> int:
    return _held(asked, ceremony.back_up)


def restore(asked: Asked) -> int:
    return _held(asked, ceremony.restore)


def begin_memory(asked: Asked, reason: str) -> int:
    return _held(asked, lambda one: ceremony.start_afresh(one, reason))


def show_log(signer: Path, *, as_json: bool) -> int:
    """The ceremonies that are on record, their chain checked."""

    def shown() -> int:
        found = read_ceremonies(read_settings(signer).ceremonies)
        for one in found:
            if not as_json:
                print(f"{one.at}  {one.what}  {', '.join(one.witnesses)}  {one.hash}")  # noqa: T201 (a command's result)
        if as_json:
            print(json.dumps([asdict(one) for one in found]))  # noqa: T201
        return 0

    return refusable(shown)


def seed_from_words(descriptor: int | None) -> Keys:
    """The keys of words that people type, in this process alone. Raises `WordsRefused`, `TalkEnded`, `OSError`."""
    keep_private()
    return Keys(*ceremony.typed_seed(talk_to(descriptor)))


def talk_to(descriptor: int | None) -> Talk:
    return TerminalTalk() if descriptor is None else DescriptorTalk(descriptor)


def refusable(work: Callable[[], int]) -> int:
    """Exit status 1 with one clear line that carries no secret."""
    try:
        return work()
    except REFUSALS as refusal:
        sys.stderr.write(f"coffer: {refusal}\n")
        return 1


def _held(asked: Asked, held: Callable[[Ceremony], Done]) -> int:
    def work() -> int:
        keep_private()
        settings = _settings(asked.signer)
        at = time_text(datetime.now(UTC))
        done = held(Ceremony(settings, talk_to(asked.descriptor), asked.witnesses, at))
        _tell(done, settings, as_json=asked.as_json)
        return 0

    return refusable(work)


def _settings(file: Path) -> Settings:
    return read_settings(file)


def _tell(done: Done, settings: Settings, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(done)))  # noqa: T201 (a command's result)
        return
    print(f"master key {done.fingerprint}, certificates by {done.certificate_key}")  # noqa: T201
    for network, keys in done.keys.items():
        print(f"{network}: {done.hot.get(network, 'no address of its own')}\n    {keys}")  # noqa: T201
    print(f"on record in {settings.ceremonies} as {done.record}")  # noqa: T201
