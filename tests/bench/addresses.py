"""Addresses derived per second of CPU, from public keys, against the libraries that people derive them with.

`btc_speedup`: ours over bitcoinlib, whose public child of a kept account key becomes a P2WPKH address. `evm_speedup`: ours over
eth-account as its manual tells one to, `Account.from_mnemonic(…, account_path=…)`, with the same libsecp256k1 behind it; it
derives from secrets only. `evm_speedup_seed_kept` is told beside it: the same library where its caller spares it the mnemonic
and keeps the seed. `share_of_limit`: what the addition of points in libsecp256k1 (`secp256k1_ec_pubkey_tweak_add`, called
through cffi and nothing around it) takes, over all that an address takes us; the lower of the two kinds. Contenders take
turns, each round has its own ratios, medians are told. `verified`: all contenders gave the same addresses.
"""

import argparse
import hashlib
import importlib
import warnings
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

from bip32 import BIP32
from coincurve import PublicKey
from coincurve._libsecp256k1 import ffi, lib
from coincurve.context import GLOBAL_CONTEXT
from eth_account import Account
from eth_account.hdaccount import key_from_seed, seed_from_mnemonic

from chains.bitcoin.address import AccountKeys
from chains.bitcoin.parameters import MAIN
from chains.evm.address import AddressTree
from chains.signer.signing import bitcoin as _loads_bitcoinlib_without_a_folder_at_home
from tests.bench.options import at_least
from wallet.ports import Branch

Say = Callable[[str], None]

ROUNDS, COUNT = 5, 10_000
SLOWER = 20  # the libraries derive so many times fewer; each still runs for tenths of a second
MNEMONIC = " ".join(["test"] * 11 + ["junk"])
_BTC = ("m/84'/0'/0'", "m/84'/0'/1'")
_EVM = ("m/44'/60'/0'", "m/44'/60'/1'")

Derive = Callable[[int], str]


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rounds", type=at_least(1), default=ROUNDS, help="medians are taken over so many rounds")
    parser.add_argument("--count", type=at_least(SLOWER), default=COUNT, help="addresses a round of ours")


async def measure(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    contenders, limit = _contenders(), _limit(asked.count)
    verified = all(len({contenders[name](i) for name in kind}) == 1 for kind in _KINDS for i in (0, 1, 77))
    rounds: list[dict[str, float]] = []
    for number in range(asked.rounds):
        per_s = {name: _per_s(derive, _times(name, asked.count)) for name, derive in contenders.items()}
        per_s["limit"] = _per_s(limit, asked.count)
        rounds.append(per_s)
        say(f"round {number + 1} of {asked.rounds}  " + "  ".join(f"{k} {v:,.0f}/s" for k, v in per_s.items()))
    figures = {name: round(median(_ratios(each)[name] for each in rounds), 2) for name in _ratios(rounds[0])}
    per_s = {f"{name}_per_s": round(median(each[name] for each in rounds)) for name in rounds[0]}
    return {**figures, **per_s, "verified": verified, "plan": {"rounds": asked.rounds, "count": asked.count}}


_KINDS = (("btc", "bitcoinlib"), ("evm", "eth_account", "eth_account_seed_kept"))


def _times(name: str, count: int) -> int:
    return count if name in ("btc", "evm") else count // SLOWER


def _ratios(per_s: dict[str, float]) -> dict[str, float]:
    return {
        "btc_speedup": per_s["btc"] / per_s["bitcoinlib"],
        "evm_speedup": per_s["evm"] / per_s["eth_account"],
        "evm_speedup_seed_kept": per_s["evm"] / per_s["eth_account_seed_kept"],
        "share_of_limit": min(per_s["btc"], per_s["evm"]) / per_s["limit"],
    }


def _per_s(work: Callable[[int], object], times: int) -> float:
    started = process_time()
    for index in range(times):
        work(index)
    return times / (process_time() - started)


def _contenders() -> dict[str, Derive]:
    seed = seed_from_mnemonic(MNEMONIC, "")
    master = BIP32.from_seed(seed)
    ours_btc = AccountKeys(" ".join(master.get_xpub_from_path(path) for path in _BTC), MAIN)
    ours_evm = AddressTree(" ".join(master.get_xpub_from_path(path) for path in _EVM))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        account = _hd_key()(master.get_xpub_from_path(_BTC[0]), witness_type="segwit")
        receiving = account.child_public(0)
    Account.enable_unaudited_hdwallet_features()
    return {
        "btc": lambda i: ours_btc.derive(Branch.DEPOSIT, i).address,
        "bitcoinlib": lambda i: str(receiving.child_public(i).address()),
        "evm": lambda i: ours_evm.derive(Branch.DEPOSIT, i).address,
        "eth_account": lambda i: str(Account.from_mnemonic(MNEMONIC, account_path=f"{_EVM[0]}/0/{i}").address),
        "eth_account_seed_kept": lambda i: str(Account.from_key(key_from_seed(seed, f"{_EVM[0]}/0/{i}")).address),
    }


def _hd_key() -> Any:
    assert _loads_bitcoinlib_without_a_folder_at_home
    return importlib.import_module("bitcoinlib.keys").HDKey


def _limit(count: int) -> Callable[[int], object]:
    """The addition alone: the point, its memory and the tweaks are there before."""
    point = PublicKey(BIP32.from_seed(b"coffer" * 6).get_pubkey_from_path("m/0"))
    memory = ffi.new("secp256k1_pubkey *", point.public_key[0])
    tweaks = [hashlib.sha256(number.to_bytes(8, "big")).digest() for number in range(count)]
    add, context = lib.secp256k1_ec_pubkey_tweak_add, GLOBAL_CONTEXT.ctx
    return lambda i: add(context, memory, tweaks[i])
