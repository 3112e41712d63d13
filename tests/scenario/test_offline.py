"""A submission is signed on a machine with the words alone, comes back, and is paid; nothing else is taken for it."""

import contextlib
from pathlib import Path

import pytest
from bip32 import BIP32

from chains.signer.keys.keys import Keys
from chains.signer.keys.words import words_of
from chains.signer.local import LocalSigner
from chains.signer.offline.order import OfflineRefused, read_order, sign_order, taken, words_of_order
from chains.signer.settings import read_settings
from chains.signer.start import unlock
from node.commands.offline import order_of, take_back, write_order
from node.database import Dsns
from node.devnet.networks import Devnet
from tests.scenario.house import House, open_house
from tests.scenario.paid_in import NETWORK_OF, destination, funded, received, units
from tests.scenario.test_rehearsal import seed_of
from wallet.errors import NotAllowed
from wallet.ports import Destination, Signed, SignerUnavailable, SignRequest


async def reserved(house: House, asset: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A withdrawal whose signer goes away between the dry run and the signature."""
    owner, to = await funded(house, asset, "1"), await destination(house, asset)
    await house.withdraw(owner, NETWORK_OF[asset], asset, "0.4", to)

    async def gone(_self: LocalSigner, _request: SignRequest) -> Signed:
        raise SignerUnavailable("gone")

    with monkeypatch.context() as away:
        away.setattr(LocalSigner, "sign", gone)
        with contextlib.suppress(SignerUnavailable):
            await house.step(NETWORK_OF[asset])
    (row,) = [one for one in await house.submissions() if one["purpose"] == "withdrawal"]
    assert row["state"] == "reserved"
    return str(row["id"])


def seed(folder: Path) -> Keys:
    return Keys(unlock(read_settings(folder / "signer.toml")).entropy)


@pytest.mark.parametrize("asset", ["ETH", "BTC"])
async def test_what_was_signed_offline_is_paid_once(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asset: str
) -> None:
    folder, file, back = tmp_path / "node", tmp_path / "order.json", tmp_path / "signed"
    async with open_house(devnet, dsns, folder) as house:
        submission = await reserved(house, asset, monkeypatch)
        (withdrawal,) = await house.withdrawals()
        write_order(file, await order_of(house.context, submission))
        order = read_order(file.read_bytes())
        assert withdrawal["destination"] in "\n".join(words_of_order(order))
        with pytest.raises(OfflineRefused, match="not the seed"):
            sign_order(order, Keys(bytes(range(32))))
        signed = sign_order(order, seed(folder))
        back.write_text(signed.payload.hex())
        assert await take_back(house.context, submission, back) == signed.tx
        with pytest.raises(NotAllowed, match="is signed"):
            await take_back(house.context, submission, back)
        await house.settled()
        assert await received(house, asset, Destination(withdrawal["destination"])) == units(house, asset, "0.4")
        await house.prove()


async def test_bitcoind_signs_our_psbt_and_agrees_with_what_it_says(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, back = tmp_path / "node", tmp_path / "signed"
    async with open_house(devnet, dsns, folder) as house:
        submission = await reserved(house, "BTC", monkeypatch)
        order = await order_of(house.context, submission)
        rpc = devnet.bitcoind.rpc
        decoded = await rpc("decodepsbt", order.psbt)
        fingerprint = seed(folder).fingerprint
        assert decoded["fee"] > 0
        for told, path in zip(decoded["inputs"], order.paths, strict=True):
            (origin,) = told["bip32_derivs"]
            assert origin["master_fingerprint"] == fingerprint
            assert origin["path"].replace("h", "'") == path
        words = " ".join(words_of(unlock(read_settings(folder / "signer.toml")).entropy))
        master = BIP32.from_seed(seed_of(words), network="test").get_xpriv()
        ranged = [{"desc": f"wpkh({master}/84h/1h/{account}h/0/*)", "range": 20} for account in (0, 1)]
        for one in ranged:
            one["desc"] = f"{one['desc']}#{(await rpc('getdescriptorinfo', one['desc']))['checksum']}"
        processed = await rpc("descriptorprocesspsbt", order.psbt, ranged)
        final = await rpc("finalizepsbt", processed["psbt"])
        assert processed["complete"]
        back.write_text(final["hex"])
        await take_back(house.context, submission, back)
        await house.settled()
        assert [row["state"] for row in await house.withdrawals()] == ["final"]


@pytest.mark.parametrize("asset", ["ETH", "BTC"])
async def test_nothing_but_the_reserved_tx_under_its_keys_is_taken(
    devnet: Devnet, dsns: Dsns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asset: str
) -> None:
    folder, back = tmp_path / "node", tmp_path / "signed"
    async with open_house(devnet, dsns, folder) as house:
        submission = await reserved(house, asset, monkeypatch)
        order = await order_of(house.context, submission)
        good = sign_order(order, seed(folder)).payload
        wrong = [good[:-1], good + b"\0", order.octets, bytes.fromhex("00")]
        wrong += [good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :] for place in range(len(good))]
        for one in wrong:
            with pytest.raises(OfflineRefused):
                taken(order, one)
        back.write_text(good.hex()[:-2])
        with pytest.raises(NotAllowed):
            await take_back(house.context, submission, back)
        (row,) = [one for one in await house.submissions() if one["id"] == submission]
        assert row["state"] == "reserved"
