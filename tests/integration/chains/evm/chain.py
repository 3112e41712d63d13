"""What stands around the adapter in these tests: people outside the node, our keys, an address book."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from bip32 import BIP32
from eth_abi.abi import encode
from eth_account import Account
from eth_hash.auto import keccak

from chains.evm.address import parse_address
from chains.evm.decode import decode, tx_id
from chains.evm.network import EvmNetwork
from node.devnet.anvil import CHAIN_ID, Anvil
from node.devnet.contracts import Artefact
from node.processes import attempts
from wallet.ids import NetworkId, SubmissionId
from wallet.money import Asset
from wallet.ports import Block, Branch, Derived, Incoming, Listing, SubmissionRef, Unsigned

NETWORK = NetworkId("ethereum")
ETH = Asset("ETH", 18)
DUSD = Asset("DUSD", 6)
GWEI = 10**9
MASTER = BIP32.from_seed(b"a seed of these tests alone, of no value")
XPUBS = " ".join(MASTER.get_xpub_from_path(f"m/44'/60'/{account}'") for account in (0, 1))
MINED_WITHIN_S = 10
LOOK_EVERY_S = 0.01
RECENT_BLOCKS = 12
_FRESH = count()


@dataclass
class HandedOut:
    """An address book that works, in memory."""

    addresses: set[str] = field(default_factory=set)

    async def known(self, network: NetworkId, addresses: Collection[str]) -> frozenset[str]:
        assert network == NETWORK
        asked = {address.lower() for address in addresses}
        return frozenset(address for address in self.addresses if address.lower() in asked)


@dataclass
class Ours:
    """The adapter over a chain, and its book."""

    network: EvmNetwork
    book: HandedOut

    def address(self) -> str:
        return self.derived().address

    def derived(self) -> Derived:
        """A deposit address that no test has seen before, handed out."""
        derived = self.network.derive(Branch.DEPOSIT, next(_FRESH))
        self.book.addresses.add(derived.address)
        return derived

    async def blocks(self, start: int, stop: int | None = None) -> list[Block]:
        end = (await self.network.tip()).height if stop is None else stop
        return [block async for block in self.network.blocks(start, end)]

    async def arrivals(self, start: int | None = None) -> list[Incoming]:
        """In all blocks from `start`, or in more blocks than any test makes."""
        first = max((await self.network.tip()).height - RECENT_BLOCKS, 0) if start is None else start
        return [arrival for block in await self.blocks(first) for arrival in block.incoming]


def ours(url: str, *tokens: Listing, **settings: Any) -> Ours:
    book = HandedOut()
    given = {"chain_id": CHAIN_ID, "max_fee_per_gas_wei": 500 * GWEI, "public_keys": XPUBS, **settings}
    listings = [Listing(NETWORK, ETH, None, 18), *tokens]
    return Ours(EvmNetwork(id=NETWORK, url=url, listings=listings, book=book, **given), book)


Meet = Callable[..., Ours]
"""Makes the adapter with these tokens; it is closed when the test ends."""


def listed(contract: str, asset: Asset = DUSD, decimals: int = 6) -> Listing:
    return Listing(NETWORK, asset, contract, decimals)


def calldata(signature: str, *values: Any) -> str:
    """The bytes of a contract's call, written by eth-abi: a second opinion on ours."""
    types = signature.partition("(")[2].removesuffix(")")
    arguments = encode(types.split(",") if types else [], values)
    return "0x" + (keccak(signature.encode())[:4] + arguments).hex()


async def receipt_of(anvil: Anvil, tx: str) -> dict[str, Any]:
    """anvil mines a moment after it has answered."""
    async for _ in attempts(MINED_WITHIN_S, LOOK_EVERY_S):
        if (receipt := await anvil.rpc("eth_getTransactionReceipt", tx)) is not None:
            return dict(receipt)
    raise TimeoutError(f"{tx} was not mined within {MINED_WITHIN_S} s")


async def send(anvil: Anvil, target: str | None, *, data: str = "0x", wei: int = 0, **more: Any) -> dict[str, Any]:
    """A tx of the outside account 0, mined; its receipt."""
    sender = (await anvil.accounts())[0]
    tx = {"from": sender, "data": data, "value": hex(wei), **({"to": target} if target else {}), **more}
    return await receipt_of(anvil, await anvil.rpc("eth_sendTransaction", tx))


async def deploy(anvil: Anvil, artefact: Artefact) -> str:
    receipt = await send(anvil, None, data=artefact.bytecode)
    assert receipt["status"] == "0x1"
    return parse_address(receipt["contractAddress"])


async def mint(anvil: Anvil, contract: str, target: str, units: int) -> dict[str, Any]:
    return await send(anvil, contract, data=calldata("mint(address,uint256)", target, units))


def sign(unsigned: Unsigned, path: str, name: str = "sub_1") -> SubmissionRef:
    """Signed as the signer would: by eth-account, from a private key that the adapter never sees."""
    tx = decode(unsigned.payload)
    fields = {
        "type": 2,
        "chainId": tx.chain_id,
        "nonce": tx.nonce,
        "maxPriorityFeePerGas": tx.max_priority_fee_per_gas,
        "maxFeePerGas": tx.max_fee_per_gas,
        "gas": tx.gas_limit,
        "to": tx.target,
        "value": tx.value,
        "data": tx.calldata,
    }
    raw = bytes(Account.sign_transaction(fields, MASTER.get_privkey_from_path(path)).raw_transaction)
    return SubmissionRef(SubmissionId(name), tx_id(raw), raw, unsigned.consumes, ())
