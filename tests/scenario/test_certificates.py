"""A deposit address that somebody put into the database is found: by its owner, and by `verify`."""

import json
from pathlib import Path

import asyncpg
import pytest

from node.commands.certificates import check_certificate
from node.commands.verify_addresses import prove_addresses
from tests.scenario.house import BITCOIN, ETHEREUM, SEPA, House
from wallet import schema
from wallet.addresses.certificate import Certificate
from wallet.addresses.certify import certify_addresses, find_certificate
from wallet.addresses.watch import give_address, watch_ahead
from wallet.ids import CustomerId
from wallet.proofs.broken import BooksBroken

THEIRS = "0x52908400098527886E0F7030069857D2E4169EE7"


def quiet(_line: str) -> None:
    pass


async def certificate(house: House, owner: CustomerId, address: str) -> Certificate | None:
    table = schema.addresses
    row = await house.context.one(table.select().where(table.c.owner == owner, table.c.address == address))
    assert row is not None
    return await find_certificate(house.context, row)


async def test_an_address_has_a_certificate_that_its_owner_checks_offline(house: House, tmp_path: Path) -> None:
    ann, ben = await house.customer("ann"), await house.customer("ben")
    places = [
        await house.address(ann, ETHEREUM),
        await house.address(ann, BITCOIN),
        await house.address(ann, BITCOIN, "p2tr"),
    ]
    await house.address(ben, SEPA)
    assert await certificate(house, ann, places[0]) is None
    await certify_addresses(house.context)
    await certify_addresses(house.context)
    key = (await house.context.signer.status()).certificate_key
    assert key is not None
    for place in places:
        found = await certificate(house, ann, place)
        assert found is not None
        file = tmp_path / "certificate.json"
        file.write_text(json.dumps(found.fields()))
        assert check_certificate(file, key, ann, as_json=True) == 0
        assert check_certificate(file, key, ben, as_json=True) == 1
    proof = await prove_addresses(house.context, quiet)
    assert (proof.certified, proof.waiting) == (5, 0)  # three of Ann's, and the house's two
    await house.prove()


async def test_an_address_that_was_swapped_in_the_database_is_found(house: House) -> None:
    ann = await house.customer("ann")
    place = await house.address(ann, ETHEREUM)
    await certify_addresses(house.context)
    await prove_addresses(house.context, quiet)
    owner = await asyncpg.connect(house.dsns.owner)
    try:
        await owner.execute("UPDATE addresses SET address = $1 WHERE address = $2", THEIRS, place)
        assert await certificate(house, ann, THEIRS) is None
        with pytest.raises(BooksBroken, match="not ours"):
            await prove_addresses(house.context, quiet)
        ben = await house.customer("ben")
        await owner.execute("UPDATE addresses SET address = $1, owner = $2 WHERE address = $3", place, ben, THEIRS)
        with pytest.raises(BooksBroken, match="vouched for"):
            await prove_addresses(house.context, quiet)
    finally:
        await owner.close()


async def test_an_address_that_is_not_ours_gets_no_certificate_and_stops_nobody_elses(house: House) -> None:
    ann, ben = await house.customer("ann"), await house.customer("ben")
    place, other = await house.address(ann, ETHEREUM), await house.address(ben, ETHEREUM)
    owner = await asyncpg.connect(house.dsns.owner)
    try:
        await owner.execute("UPDATE addresses SET address = $1 WHERE address = $2", THEIRS, place)
    finally:
        await owner.close()
    await certify_addresses(house.context)
    assert await certificate(house, ann, THEIRS) is None
    assert await certificate(house, ben, other) is not None


async def test_an_address_that_is_given_later_is_vouched_for_then(house: House) -> None:
    ann = await house.customer("ann")
    async for _ in watch_ahead(house.context, "test", BITCOIN, 3, "lost books"):
        pass
    await certify_addresses(house.context)
    table = schema.addresses
    row = await house.context.one(table.select().where(table.c.owner == "nobody", table.c.kind == "p2wpkh").limit(1))
    assert row is not None
    await give_address(house.context, "test", BITCOIN, row["address"], ann, "it is hers")
    assert await certificate(house, ann, row["address"]) is None
    await certify_addresses(house.context)
    assert await certificate(house, ann, row["address"]) is not None
    assert (await prove_addresses(house.context, quiet)).waiting == 0
