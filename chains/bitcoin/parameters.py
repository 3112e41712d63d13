"""The chains of the Bitcoin family that we serve, and all that differs between them: prefixes, key numbers, work.

The family: coins in unspent outputs, witness outputs (BIP-141), headers of 80 bytes. A coin without witness outputs (Dogecoin,
Bitcoin Cash) is not of it: there a tx id depends on its signatures, and what we author could not be named before it is signed.

Sources: SLIP-173 (human-readable parts), SLIP-44 (coin numbers), chainparams.cpp of Bitcoin Core (main, testnet,
signet, regtest) and of Litecoin Core 0.21 for the rest, and pow.cpp of both for where a period is measured from.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

UNITS_MAX = 84_000_000 * 10**8  # the most that a chain of the family can have: Litecoin's, Bitcoin's are a quarter
DECIMALS = 8


class Work(StrEnum):
    """Which hash of a header must lie below its target. The id of a block is double SHA-256 everywhere."""

    SHA256D = "sha256d"
    SCRYPT = "scrypt"


@dataclass(frozen=True, slots=True)
class Retarget:
    """Every so many `blocks` the target follows the `seconds` that they took; `back` is how many blocks below the new period's
    first one their time is counted from (Litecoin's pow.cpp goes one further back than Bitcoin's), `limit_bits` the easiest
    target of all."""

    blocks: int
    seconds: int
    back: int
    limit_bits: int


@dataclass(frozen=True, slots=True)
class Chain:
    """`name` is how the configuration and the node's `getblockchaininfo` call it; `asset` what its coin is called here; `coin`
    its number in key paths (0 for Bitcoin, 1 for all test chains). `easiest_bits`: no header may ask for less work, now.
    `retarget` is None where the rules leave the target to each miner. From `height_written_from` on coinbases begin with the
    height."""

    name: str
    asset: str
    prefix: str  # the human-readable part of bech32 addresses
    p2pkh_version: int
    p2sh_version: int
    coin: int
    easiest_bits: int
    retarget: Retarget | None
    height_written_from: int
    work: Work = Work.SHA256D
    node_name: str | None = None

    @property
    def real(self) -> bool:
        """Real money: keys are written with the main chain's prefix (xpub)."""
        return self.coin != 1

    @property
    def told_as(self) -> str:
        """The chain's name in the node's own answers."""
        return self.node_name or self.name


_TWO_WEEKS = Retarget(2016, 14 * 24 * 3600, 2016, 0x1D00FFFF)
_BLOCK_600_000 = 0x1715A35C  # of October 2019: none has been easier since January 2020 (lowest since: July 2021)
_LITECOIN_MILLION = 0x1A10C6E6  # difficulty one million; Litecoin's was above 20 million in January 2023
MAIN = Chain("main", "BTC", "bc", 0x00, 0x05, 0, _BLOCK_600_000, _TWO_WEEKS, 227_931)
TESTNET = Chain("testnet", "BTC", "tb", 0x6F, 0xC4, 1, 0x1D00FFFF, None, 21_111, node_name="test")
SIGNET = Chain("signet", "BTC", "tb", 0x6F, 0xC4, 1, 0x1E0377AE, replace(_TWO_WEEKS, limit_bits=0x1E0377AE), 1)
REGTEST = Chain("regtest", "BTC", "bcrt", 0x6F, 0xC4, 1, 0x207FFFFF, None, 1)
_LITECOIN_WORK = Retarget(2016, 84 * 3600, 2017, 0x1E0FFFFF)
LITECOIN = Chain(
    "litecoin", "LTC", "ltc", 0x30, 0x32, 2, _LITECOIN_MILLION, _LITECOIN_WORK, 710_000, Work.SCRYPT, "main"
)
LITECOIN_REGTEST = Chain(
    "litecoin-regtest", "LTC", "rltc", 0x6F, 0x3A, 1, 0x207FFFFF, None, 500, Work.SCRYPT, "regtest"
)
CHAINS = {chain.name: chain for chain in (MAIN, TESTNET, SIGNET, REGTEST, LITECOIN, LITECOIN_REGTEST)}


def chain_named(name: str) -> Chain:
    """Raises `ValueError` for a name that the configuration may not use."""
    if name not in CHAINS:
        raise ValueError(f"a chain of the Bitcoin family is one of {', '.join(CHAINS)}")
    return CHAINS[name]


def chain_of_prefix(prefix: str) -> Chain:
    """The chain whose bech32 addresses start so; testnet and signet share theirs. Raises `ValueError`."""
    for chain in CHAINS.values():
        if chain.prefix == prefix:
            return chain
    raise ValueError("no chain has addresses that start so")
