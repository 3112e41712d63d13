"""Wycheproof and RFC 6979 against the curve library of Bitcoin signatures (KEY-02, KEY-03): malformed and malleable ones."""

import json
from pathlib import Path
from typing import Any

from coincurve import PrivateKey, PublicKey

FILE = Path(__file__).parents[2] / "vectors" / "wycheproof" / "ecdsa_secp256k1_sha256_bitcoin_test.json"
GROUPS: list[dict[str, Any]] = json.loads(FILE.read_text("utf-8"))["testGroups"]

RFC_6979 = (  # as many libraries publish them for secp256k1 with SHA-256
    (
        1,
        b"Satoshi Nakamoto",
        (
            "934b1ea10a4b3c1757e2b0c017d0b6143ce3c9a7e6a4a49860d7a6ab210ee3d8"
            "2442ce9d2b916064108014783e923ec36b49743e2ffa1c4496f01a512aafd9e5"
        ),
    ),
    (
        1,
        b"All those moments will be lost in time, like tears in rain. Time to die...",
        (
            "8600dbd41e348fe5c9465ab92d23e3db8b98b873beecd930736488696438cb6b"
            "547fe64427496db33bf66019dacbf0039c04199abb0122918601db38a72cfc21"
        ),
    ),
    (
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364140,
        b"Satoshi Nakamoto",
        (
            "fd567d121db66e382991534ada77a6bd3106f0a1098c231e47993447cd6af2d0"
            "6b39cd0eb1bc8603e159ef5c20a5c8ad685a45b06ce9bebed3f153d10d93bed5"
        ),
    ),
)


def is_valid(key: PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        return bool(key.verify(signature, message))
    except ValueError:
        return False


def test_key_03_wycheproofs_signatures_are_judged_as_they_should_be() -> None:
    judged = 0
    for group in GROUPS:
        key = PublicKey(bytes.fromhex(group["publicKey"]["uncompressed"]))
        for case in group["tests"]:
            found = is_valid(key, bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"]))
            assert found == (case["result"] == "valid"), case["tcId"]
            judged += 1
    assert judged == 463


def test_key_02_signatures_are_those_of_rfc_6979() -> None:
    for secret, message, wanted in RFC_6979:
        recoverable = PrivateKey(secret.to_bytes(32, "big")).sign_recoverable(message)
        assert recoverable[:64].hex() == wanted
