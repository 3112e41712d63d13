"""Keys from a seed that everybody may know, coins that do not exist, and payments of them."""

from bip32 import BIP32

from chains.bitcoin.address import AccountKeys
from chains.bitcoin.build import Bounds, build
from chains.bitcoin.parameters import REGTEST
from wallet.money import Amount, Asset
from wallet.ports import Branch, Destination, Instruction, Unsigned, Utxo, UtxoSource

BTC = Asset("BTC", 8)
ROOT = BIP32.from_seed(b"a seed that everybody may know..", network="test")
PUBLIC_KEYS = " ".join(ROOT.get_xpub_from_path(account) for account in ("m/84'/1'/0'", "m/84'/1'/1'", "m/86'/1'/0'"))
KEYS = AccountKeys(PUBLIC_KEYS, REGTEST)
HOT = KEYS.derive(Branch.HOUSE, 0)
BOUNDS = Bounds(rate_max=500_000, fee_units_max=1_000_000, dust_rate=3_000, long_term_rate=1_000)
STRANGER = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"  # BIP-173's example key on regtest


def coin(number: int, units: int, branch: Branch = Branch.DEPOSIT) -> Utxo:
    """The deposit address of that number holds so much, in an output of a tx of that number."""
    derived = KEYS.derive(branch, number)
    return Utxo(f"{number + 1:064x}:{number}", units, derived.address, derived.path)


def payment(units: int, address: str = STRANGER) -> Instruction:
    return Instruction("wdr_1", Destination(address), Amount(units, BTC))


def built(coins: tuple[Utxo, ...], *payments: Instruction, rate: int = 1_000, bounds: Bounds = BOUNDS) -> Unsigned:
    return build(payments, UtxoSource(coins, HOT), rate=rate, asset=BTC, chain=REGTEST, bounds=bounds)


def private_keys(paths: tuple[str, ...]) -> list[bytes]:
    return [ROOT.get_privkey_from_path(path) for path in paths]
