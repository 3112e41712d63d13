"""The words on paper, rehearsed: every address of the books is made again from them, by us and by wallets that are not ours."""

import hashlib
import json
import unicodedata
from pathlib import Path

from bip32 import BIP32
from eth_account import Account

from chains.signer.keys.keys import Keys
from chains.signer.keys.words import words_of
from chains.signer.settings import Settings, read_settings
from chains.signer.start import unlock
from node.commands.rehearse import rehearse, write_report
from node.database import Dsns
from node.devnet.networks import Devnet
from tests.scenario.house import BITCOIN, ETHEREUM, SEPA, open_house

Account.enable_unaudited_hdwallet_features()


def seed_of(words: str) -> bytes:
    """BIP-39 once more, of its text alone."""
    text = unicodedata.normalize("NFKD", words).encode()
    return hashlib.pbkdf2_hmac("sha512", text, b"mnemonic", 2048)


def quiet(_line: str) -> None:
    pass


async def test_key_03_an_independent_wallet_finds_the_same_addresses(
    devnet: Devnet, dsns: Dsns, tmp_path: Path
) -> None:
    """bitcoind derives BIP-84 and BIP-86 of the same seed by itself, eth-account BIP-44; our report tells them the paths."""
    folder = tmp_path / "node"
    async with open_house(devnet, dsns, folder) as house:
        ann = await house.customer("ann")
        native, taproot = await house.address(ann, BITCOIN), await house.address(ann, BITCOIN, "p2tr")
        ether, hot = await house.address(ann, ETHEREUM), await house.hot(BITCOIN)
    settings: Settings = read_settings(folder / "signer.toml")
    words = " ".join(words_of(unlock(settings).entropy))
    report = tmp_path / "report.json"
    write_report(report, settings.policy, Keys(unlock(settings).entropy))
    told = json.loads(report.read_text("utf-8"))
    master = BIP32.from_seed(seed_of(words), network="test").get_xpriv()
    rpc = devnet.bitcoind.rpc
    for script, account, known in (
        ("wpkh", "84'/1'/0'", native),
        ("tr", "86'/1'/0'", taproot),
        ("wpkh", "84'/1'/1'", hot),
    ):
        private = f"{script}({master}/{account}/0/*)"
        checksum = (await rpc("getdescriptorinfo", private))["checksum"]
        theirs = await rpc("deriveaddresses", f"{private}#{checksum}", [0, 4])
        (ours,) = [one for one in told["bitcoin"]["accounts"] if one["path"] == f"m/{account}"]
        assert ours["samples"] == theirs
        assert known in theirs
        assert await rpc("deriveaddresses", ours["descriptor"], [0, 4]) == theirs
    accounts = {one["path"]: one for one in told["ethereum"]["accounts"]}
    theirs = [Account.from_mnemonic(words, account_path=f"m/44'/60'/0'/0/{index}").address for index in range(5)]
    assert accounts["m/44'/60'/0'"]["samples"] == theirs
    assert ether in theirs
    assert words.split()[0] not in report.read_text("utf-8").split()


async def test_the_words_lead_to_every_address_and_other_words_to_none(
    devnet: Devnet, dsns: Dsns, tmp_path: Path
) -> None:
    folder = tmp_path / "node"
    async with open_house(devnet, dsns, folder) as house:
        for handle in ("ann", "ben"):
            owner = await house.customer(handle)
            for network in (BITCOIN, ETHEREUM, SEPA):
                await house.address(owner, network)
            await house.address(owner, BITCOIN, "p2tr")
    settings = read_settings(folder / "signer.toml")
    found = await rehearse(dsns, settings.policy, Keys(unlock(settings).entropy), quiet)
    assert {one.network: (one.addresses, one.wrong, one.agrees) for one in found} == {
        ETHEREUM: (3, 0, True),
        BITCOIN: (5, 0, True),
    }
    others = await rehearse(dsns, settings.policy, Keys(bytes(range(32))), quiet)
    assert [(one.wrong, one.same_keys) for one in others] == [(3, False), (5, False)]
