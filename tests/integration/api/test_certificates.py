"""An address's certificate over HTTP: its owner has it and can check it, nobody else does."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.signer import FakeSigner
from tests.integration.api.conftest import ApiNode
from wallet.addresses.certificate import (
    Certificate,
    CertificateRefused,
    Entry,
    Vouched,
    leaf_of,
    signed_message,
    verify_certificate,
)
from wallet.addresses.certify import certify_addresses

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()


@dataclass(slots=True)
class VouchingSigner(FakeSigner):
    """Vouches for whatever it is told: what the real one refuses is tested with the real one."""

    async def certify(self, entries: Sequence[Entry]) -> Vouched:
        return Vouched(PUBLIC, KEY.sign(signed_message([leaf_of(entry) for entry in entries])).hex())


async def test_an_owner_has_the_certificate_of_their_address_and_nobody_else_does(api_node: ApiNode) -> None:
    alice, bob = await api_node.person(), await api_node.person()
    made = (await alice.client.post("/v1/addresses", {"network": "bitcoin"})).body
    path = f"/v1/addresses/{made['id']}/certificate"
    assert (await alice.client.get(path)).status == 404
    await certify_addresses(replace(api_node.world.context, signer=VouchingSigner()))
    told = await alice.client.get(path)
    assert told.status == 200
    assert told.body["entry"]["address"] == made["address"]
    found = Certificate.from_json(msgspec.json.encode(told.body))
    verify_certificate(found, PUBLIC)
    with pytest.raises(CertificateRefused, match="somebody else"):
        verify_certificate(found, PUBLIC, "cus_eve")
    assert (await bob.client.get(path)).status == 404
    at_bank = (await alice.client.post("/v1/addresses", {"network": "sepa"})).body
    assert (await alice.client.get(f"/v1/addresses/{at_bank['id']}/certificate")).status == 404
