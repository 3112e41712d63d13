"""Address certificates: only of what the signer derives itself; nothing in one can be changed."""

import dataclasses
from pathlib import Path

import msgspec
import pytest

from chains.signer.addresses.certify import Certifier
from tests.unit.signer.scene import KEYS, POLICY, bitcoin_address, evm_address
from wallet.addresses.certificate import (
    ENTRIES_MAX,
    Certificate,
    CertificateRefused,
    Entry,
    certificate_of,
    leaf_of,
    owner_digest,
    verify_certificate,
)
from wallet.ports import SignerRefused

AT = "2026-11-25T12:00:00.000000+00:00"
PATHS = [f"m/44'/60'/0'/0/{index}" for index in range(5)]
ENTRIES = [Entry("ethereum", evm_address(path), path, owner_digest("cus_ann"), AT) for path in PATHS]
BITCOIN = Entry("bitcoin", bitcoin_address("m/84'/1'/0'/0/3"), "m/84'/1'/0'/0/3", owner_digest("cus_ben"), AT)
CERTIFIER = Certifier(KEYS, POLICY)


def certificates() -> list[Certificate]:
    entries = [*ENTRIES, BITCOIN]
    vouched, leaves = CERTIFIER.certify(entries), b"".join(map(leaf_of, entries))
    made = [certificate_of(entry, leaves, vouched.key, vouched.signature) for entry in entries]
    return [one for one in made if one is not None]


def test_each_address_of_a_batch_has_a_certificate_that_holds() -> None:
    for one, owner in zip(certificates(), ["cus_ann"] * 5 + ["cus_ben"], strict=True):
        verify_certificate(Certificate.from_json(msgspec.json.encode(one)), CERTIFIER.key, owner)


@pytest.mark.parametrize(
    "wrong",
    [
        dataclasses.replace(ENTRIES[0], address=ENTRIES[1].address),
        dataclasses.replace(ENTRIES[0], address="0x52908400098527886E0F7030069857D2E4169EE7"),
        dataclasses.replace(ENTRIES[0], path="m/44'/60'/5'/0/7"),
        dataclasses.replace(ENTRIES[0], network="sepa"),
        dataclasses.replace(ENTRIES[0], network="elsewhere"),
        dataclasses.replace(BITCOIN, path="m/86'/1'/0'/0/3"),
    ],
)
def test_what_is_not_at_its_path_is_not_vouched_for(wrong: Entry) -> None:
    with pytest.raises(SignerRefused):
        CERTIFIER.certify([ENTRIES[2], wrong])


def test_a_batch_is_bounded() -> None:
    for entries in ([], ENTRIES[:1] * (ENTRIES_MAX + 1)):
        with pytest.raises(SignerRefused):
            CERTIFIER.certify(entries)


def test_nothing_in_a_certificate_can_be_changed() -> None:
    good = certificates()[1]
    entry = good.entry
    changed = [
        dataclasses.replace(good, entry=dataclasses.replace(entry, **{name: value}))
        for name, value in {
            "network": "base",
            "address": ENTRIES[3].address,
            "path": ENTRIES[3].path,
            "owner": owner_digest("cus_eve"),
            "at": AT.replace("12", "13"),
        }.items()
    ]
    changed += [
        dataclasses.replace(good, index=2),
        dataclasses.replace(good, size=5),
        dataclasses.replace(good, way=()),
    ]
    changed += [dataclasses.replace(good, signature="00" * 64), dataclasses.replace(good, signature="zz")]
    changed += [dataclasses.replace(good, v=2), dataclasses.replace(good, key="00" * 32)]
    for one in changed:
        with pytest.raises(CertificateRefused):
            verify_certificate(one, CERTIFIER.key)
    with pytest.raises(CertificateRefused, match="somebody else"):
        verify_certificate(good, CERTIFIER.key, "cus_eve")
    with pytest.raises(CertificateRefused, match="another key"):
        verify_certificate(good, "00" * 32)


def test_what_is_no_certificate_is_told_so(tmp_path: Path) -> None:
    for text in (b"", b"{}", b"[1]", b"\xff", b'{"entry": 1}'):
        with pytest.raises(CertificateRefused):
            Certificate.from_json(text)
