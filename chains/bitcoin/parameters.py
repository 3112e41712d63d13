"""The chains that exist and what differs between them: address prefixes and the coin number in key paths.

Sources: SLIP-173 (human-readable parts), SLIP-44 (coin numbers), Bitcoin Core's chainparams for the rest.
"""

from dataclasses import dataclass

SATOSHI_MAX = 21_000_000 * 10**8  # Bitcoin Core's MAX_MONEY: no output and no sum can be above it
DECIMALS = 8


@dataclass(frozen=True, slots=True)
class Chain:
    """`name` is what `getblockchaininfo` answers; `coin` the number below purpose 84' in key paths (0, or 1 for all tests)."""

    name: str
    prefix: str  # the human-readable part of bech32 addresses
    p2pkh_version: int
    p2sh_version: int
    coin: int


MAIN = Chain("main", "bc", 0x00, 0x05, 0)
TESTNET = Chain("test", "tb", 0x6F, 0xC4, 1)
SIGNET = Chain("signet", "tb", 0x6F, 0xC4, 1)
REGTEST = Chain("regtest", "bcrt", 0x6F, 0xC4, 1)
CHAINS = {"main": MAIN, "testnet": TESTNET, "signet": SIGNET, "regtest": REGTEST}


def chain_named(name: str) -> Chain:
    """Raises `ValueError` for a name that the configuration may not use."""
    if name not in CHAINS:
        raise ValueError(f"a Bitcoin chain is one of {', '.join(CHAINS)}")
    return CHAINS[name]


def chain_of_prefix(prefix: str) -> Chain:
    """The chain whose bech32 addresses start so; testnet and signet share theirs. Raises `ValueError`."""
    for chain in CHAINS.values():
        if chain.prefix == prefix:
            return chain
    raise ValueError("no chain has addresses that start so")
