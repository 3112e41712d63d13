"""`coffer keys` and `coffer offline` a process of its own, spoken to over a descriptor, leaking nothing."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from chains.signer.keys.words import words_of
from chains.signer.offline.order import Order
from chains.signer.start import unlock
from tests.unit.signer.people import People
from tests.unit.signer.scene import HOT, KEYS, evm_address, evm_payload
from tests.unit.signer.test_ceremony import settings

WITNESSES = ("--witness", "Ann", "--witness", "Ben")


def coffer(people: People, *words: str) -> tuple[int, str, str, bytes]:
    """Exit status, both outputs, and what others could read of the process while it held the seed."""
    theirs, talking = people.sit_down()
    with theirs:
        command = (sys.executable, "-m", "node", *words, "--descriptor", str(theirs.fileno()))
        process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        seen = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        out, err = process.communicate(timeout=120)
    talking.join(10)
    return process.returncode, out.decode(), err.decode(), seen


def spellings(entropy: bytes, words: tuple[str, ...]) -> list[bytes]:
    sentence = " ".join(words)
    texts = [sentence, sentence.replace(" ", "\n"), ",".join(words), entropy.hex(), entropy.hex().upper()]
    encoded = [text.encode(codec) for text in texts for codec in ("utf-8", "utf-16-le", "utf-16-be")]
    return [*encoded, entropy, base64.b64encode(entropy), base64.b64encode(sentence.encode())]


def test_key_07_a_ceremony_leaves_the_seed_in_the_keystore_alone(tmp_path: Path) -> None:
    made, people = settings(tmp_path / "one"), People()
    file = str(tmp_path / "one" / "signer.toml")
    status, out, err, seen = coffer(people, "keys", "create", *WITNESSES, "--signer", file, "--json")
    assert status == 0, err
    entropy, words = unlock(made).entropy, words_of(unlock(made).entropy)
    assert [people.paper[place] for place in range(1, 25)] == list(words)
    told = json.loads(out)
    assert set(told["keys"]) == {"ethereum"}
    places = [out.encode(), err.encode(), seen, *(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())]
    assert any(b"coffer/keystore" in place for place in places)
    for spelling in spellings(entropy, words):
        assert not any(spelling in place for place in places)
    status, out, err, _ = coffer(People(), "keys", "create", *WITNESSES, "--signer", file)
    assert (status, err.count("\n")) == (1, 1)
    assert "never replaced" in err


def test_an_order_is_signed_by_a_process_that_has_words_and_a_file(tmp_path: Path) -> None:
    order = Order("evm", "ethereum", "sub_1", "withdrawal", evm_address(HOT), (HOT,), evm_payload().hex())
    file, out_file = tmp_path / "order.json", tmp_path / "signed"
    file.write_text(json.dumps(_fields(order)))
    people = People(words=words_of(bytes(range(32))))
    status, out, err, _ = coffer(people, "offline", "sign", str(file), str(out_file))
    assert status == 0, err
    assert "pays 1000000000000000000 wei" in err
    assert out_file.read_text().startswith("02")
    assert KEYS.fingerprint not in out
    wrong = People(words=("abandon",) * 23 + ("art",))
    status, _, err, _ = coffer(wrong, "offline", "sign", str(file), str(tmp_path / "none"))
    assert status == 1
    assert "not the seed" in err
    assert not (tmp_path / "none").exists()


def _fields(order: Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in order.__dataclass_fields__}
