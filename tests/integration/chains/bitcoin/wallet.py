"""What the core does around the adapter, as far as these tests need it: an address book, coins at hand, signatures."""

import itertools
from collections.abc import Collection
from typing import Any

from chains.bitcoin.decode import decode
from chains.bitcoin.network import UtxoNetwork
from chains.signer.signing.bitcoin import sign
from node.devnet.bitcoind import WALLET, Bitcoind
from tests.unit.chains.bitcoin.material import BTC, HOT, PUBLIC_KEYS, private_keys
from wallet.ids import NetworkId, SubmissionId
from wallet.money import Amount
from wallet.ports import (
    Block,
    Branch,
    Derived,
    Destination,
    Fee,
    Incoming,
    Instruction,
    Listing,
    SubmissionRef,
    Unsigned,
    Utxo,
    UtxoSource,
)

BITCOIN = NetworkId("bitcoin")
CONFIRMATIONS = 3
FEE = Fee(rate=2_000, units=Amount(500, BTC))
_INDEXES = itertools.count(1)


class Book:
    """Remembers what was handed out."""

    def __init__(self) -> None:
        self.addresses: set[str] = set()

    async def known(self, network: NetworkId, addresses: Collection[str]) -> frozenset[str]:
        assert network == BITCOIN
        return frozenset(self.addresses & set(addresses))


def network_on(node: Bitcoind, book: Book, **changes: Any) -> UtxoNetwork:
    settings: dict[str, Any] = {
        "id": BITCOIN,
        "url": node.url,
        "chain": "regtest",
        "confirmations": CONFIRMATIONS,
        "public_keys": PUBLIC_KEYS,
        "book": book,
        "listings": (Listing(BITCOIN, BTC, None, 8),),
        "user": node.user,
        "password": node.password,
    }
    return UtxoNetwork(**{**settings, **changes})


def new_deposit_address(network: UtxoNetwork, book: Book, branch: Branch = Branch.DEPOSIT) -> Derived:
    derived = network.derive(branch, next(_INDEXES))
    book.addresses.add(derived.address)
    return derived


async def walk(network: UtxoNetwork, start: int, stop: int | None = None) -> list[Block]:
    end = (await network.tip()).height if stop is None else stop
    return [block async for block in network.blocks(start, end)]


async def arrivals(network: UtxoNetwork, start: int) -> list[Incoming]:
    return [incoming for block in await walk(network, start) for incoming in block.incoming]


async def coins(
    chain: Bitcoind, network: UtxoNetwork, book: Book, *amounts: str, branch: Branch = Branch.DEPOSIT
) -> tuple[Utxo, ...]:
    """Deposits of these amounts, each at an address of its own, mined."""
    owners = {derived.address: derived for derived in (new_deposit_address(network, book, branch) for _ in amounts)}
    before = (await network.tip()).height
    await chain.rpc("sendmany", "", dict(zip(owners, amounts, strict=True)), wallet=WALLET)
    await chain.mine()
    return tuple(
        Utxo(one.identity, one.amount.units, owners[one.address].address, owners[one.address].path)
        for one in await arrivals(network, before + 1)
        if one.address in owners
    )


async def paying(
    network: UtxoNetwork, available: tuple[Utxo, ...], *payments: tuple[str, int], fee: Fee = FEE
) -> tuple[Unsigned, SubmissionRef]:
    """Built and signed, not sent."""
    instructions = [
        Instruction(f"wdr_{number}", Destination(address), Amount(units, BTC))
        for number, (address, units) in enumerate(payments)
    ]
    unsigned = await network.build(instructions, UtxoSource(available, HOT), fee)
    signed = sign(unsigned.payload, private_keys(tuple(spent.path for spent in decode(unsigned.payload).inputs)))
    references = tuple(instruction.reference for instruction in instructions)
    return unsigned, SubmissionRef(SubmissionId("sub_1"), signed.tx, signed.payload, unsigned.consumes, references)
