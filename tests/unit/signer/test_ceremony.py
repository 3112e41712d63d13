"""The ceremonies: nothing is written before the paper is proven, everything is on record, no secret is anywhere else."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from chains.signer.ceremonies import ceremony
from chains.signer.ceremonies.ceremony import Ceremony, CeremonyStopped, Done
from chains.signer.ceremonies.log import CeremonyLogBroken, WitnessesMissing, read_ceremonies, write_down
from chains.signer.ceremonies.talk import DescriptorTalk, TalkEnded
from chains.signer.keys.keystore import KeystoreRefused
from chains.signer.keys.words import WordsRefused, words_of
from chains.signer.local import LocalSigner, LockedSigner
from chains.signer.people.signed_policy import add_signature, sign_policy
from chains.signer.settings import Settings, read_settings
from chains.signer.start import open_signer, unlock
from tests.unit.signer.people import People
from tests.unit.signer.test_stops import ANN, BEN, public

AT = "2026-11-25T12:00:00.000000+00:00"
FILE = """[signer]
folder = "signer"
socket = "run/signer.sock"
passphrase_file = "passphrase"
operators = { ann = "ANN", ben = "BEN" }
[networks.ethereum]
kind = "evm"
chain_id = 31337
fee_max = "0.01"
fee_window_max = "0.05"
gas_funding_max = "0.02"
window_s = 3600
assets.ETH = { decimals = 18, submission_max = "2", window_max = "5" }
""".replace("ANN", public(ANN)).replace("BEN", public(BEN))


def settings(folder: Path, text: str = FILE) -> Settings:
    folder.mkdir(exist_ok=True, mode=0o700)
    for name, content in (("signer.toml", text), ("passphrase", "a passphrase of the machine\n")):
        (folder / name).write_text(content)
        (folder / name).chmod(0o600)
    made = read_settings(folder / "signer.toml")
    for key in (ANN, BEN):
        add_signature(made.file, made.policy_digest, sign_policy(made.policy_digest, key))
    return made


def held(
    people: People, made: Settings, what: Callable[[Ceremony], Done], witnesses: tuple[str, ...] = ("Ann", "Ben")
) -> Done:
    theirs, talking = people.sit_down()
    try:
        return what(Ceremony(made, DescriptorTalk(theirs.fileno()), witnesses, AT))
    finally:
        theirs.shutdown(2)
        theirs.close()
        talking.join(5)


def create(one: Ceremony) -> Done:
    return ceremony.create(one, with_passphrase=False)


def test_key_01_a_ceremony_makes_a_seed_that_its_paper_gives_back(tmp_path: Path) -> None:
    people, made = People(), settings(tmp_path / "one")
    done = held(people, made, create)
    words = tuple(people.paper[place] for place in range(1, 25))
    assert words == words_of(unlock(made).entropy)
    signer = open_signer(made)
    assert isinstance(signer, LocalSigner)
    signer.close()
    again = settings(tmp_path / "two")
    assert held(People(words=words), again, ceremony.restore).keys == done.keys
    locked = open_signer(again)
    assert isinstance(locked, LockedSigner)
    locked.close()
    held(People(), again, lambda one: ceremony.start_afresh(one, "nothing was ever signed"))
    signer = open_signer(again)
    assert isinstance(signer, LocalSigner)
    signer.close()


def test_a_passphrase_beside_the_words_is_part_of_the_seed(tmp_path: Path) -> None:
    people, made = People(passphrase="a quiet harbour"), settings(tmp_path / "one")
    done = held(people, made, lambda one: ceremony.create(one, with_passphrase=True))
    words = tuple(people.paper[place] for place in range(1, 25))
    other = held(People(words=words), settings(tmp_path / "two"), ceremony.restore)
    same = held(People(words=words, passphrase="a quiet harbour"), settings(tmp_path / "three"), ceremony.restore)
    assert other.keys != done.keys
    assert same.keys == done.keys


def test_a_backup_shows_the_same_words(tmp_path: Path) -> None:
    first, second, made = People(), People(), settings(tmp_path / "one")
    held(first, made, create)
    held(second, made, ceremony.back_up)
    assert second.paper == first.paper
    assert [one.what for one in read_ceremonies(made.ceremonies)] == ["created", "backed_up"]


def test_a_paper_that_says_something_else_makes_no_seed(tmp_path: Path) -> None:
    made = settings(tmp_path / "one")
    misread = People(change=lambda question, answer: "zebra" if question.startswith("Word") else answer)
    with pytest.raises(CeremonyStopped, match="paper"):
        held(misread, made, create)
    assert not list(made.folder.glob("*"))


def test_nobody_who_answers_makes_no_seed(tmp_path: Path) -> None:
    made = settings(tmp_path / "one")
    theirs, ours = socket.socketpair()
    with theirs:
        ours.close()
        with pytest.raises(TalkEnded):
            create(Ceremony(made, DescriptorTalk(theirs.fileno()), ("Ann", "Ben"), AT))
    assert not made.keystore.exists()


def test_a_second_seed_never_replaces_the_first(tmp_path: Path) -> None:
    made = settings(tmp_path / "one")
    held(People(), made, create)
    before = made.keystore.read_bytes()
    with pytest.raises(KeystoreRefused):
        held(People(), made, create)
    with pytest.raises(KeystoreRefused):
        held(People(words=("abandon",) * 23 + ("art",)), made, ceremony.restore)
    with pytest.raises(KeystoreRefused, match="never replaced"):
        held(People(), made, lambda one: ceremony.start_afresh(one, "to forget"))
    assert made.keystore.read_bytes() == before


def test_wrong_words_make_no_keystore(tmp_path: Path) -> None:
    made = settings(tmp_path / "one")
    with pytest.raises(WordsRefused):
        held(People(words=("abandon",) * 24), made, ceremony.restore)
    refusing = People(
        words=("abandon",) * 23 + ("art",), change=lambda asked, said: "no" if "Are these" in asked else said
    )
    with pytest.raises(CeremonyStopped, match="other words"):
        held(refusing, made, ceremony.restore)
    assert not made.keystore.exists()


def test_a_development_signer_holds_no_ceremony(tmp_path: Path) -> None:
    made = settings(tmp_path / "one", FILE.replace("passphrase_file", "dev = true\npassphrase_file"))
    with pytest.raises(CeremonyStopped, match="dev = true"):
        held(People(), made, create)


@pytest.mark.parametrize("names", [(), ("Ann",), ("Ann", "ann "), ("Ann", " "), ("Ann", "x" * 81)])
def test_a_ceremony_has_witnesses(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(WitnessesMissing):
        held(People(), settings(tmp_path / "one"), create, witnesses=names)


def test_key_07_the_record_names_no_secret(tmp_path: Path) -> None:
    people, made = People(passphrase="a quiet harbour"), settings(tmp_path / "one")
    held(people, made, lambda one: ceremony.create(one, with_passphrase=True))
    text = made.ceremonies.read_text("utf-8")
    assert made.ceremonies.stat().st_mode & 0o777 == 0o600
    assert "harbour" not in text
    assert unlock(made).entropy.hex() not in text
    assert not {f'"{word}"' for word in people.paper.values()} & set(text.replace(",", " ").split())
    (line,) = read_ceremonies(made.ceremonies)
    assert line.witnesses == ("Ann", "Ben")
    assert line.facts["entropy"] == {"source": "the operating system (getrandom)", "bits": 256}


def test_a_record_that_was_changed_or_shortened_is_found(tmp_path: Path) -> None:
    file = tmp_path / "ceremonies.log"
    for what in ("created", "backed_up", "rehearsed"):
        write_down(file, what, ("Ann", "Ben"), {"n": 1}, AT)
    whole = file.read_bytes().splitlines(keepends=True)
    changed = json.loads(whole[1]) | {"witnesses": ["Ann", "Eve"]}
    for wrong in (
        [whole[0], whole[2]],
        [whole[1], whole[2]],
        [whole[0], json.dumps(changed).encode() + b"\n", whole[2]],
    ):
        file.write_bytes(b"".join(wrong))
        with pytest.raises(CeremonyLogBroken):
            read_ceremonies(file)
        with pytest.raises(CeremonyLogBroken):
            write_down(file, "created", ("Ann", "Ben"), {}, AT)
