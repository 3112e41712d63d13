"""Balances of many addresses at one block, in a few questions: what finds value that arrived without a word.

One eth_call runs code of ours at an address that has none (a state override, as geth, Erigon, Nethermind, Reth and anvil take
it): it reads some hundred balances, and each contract gets a bounded amount of gas, so that one that never ends spoils its
own answer alone. A node that does not take the code is asked address by address.
"""

from collections.abc import Mapping, Sequence

from chains.evm.listings import Listings, floor_units
from chains.evm.token import balance_call, parse_word
from chains.evm.wire import at_block, is_bytes, is_failure, is_state_gone, quantity, unread
from chains.rpc.client import Call, JsonRpc, RpcError
from wallet.ports import BlockRef, BlockVanished, Listing, NetworkError

OWNERS_PER_CALL = 500  # some 10 million gas for an ordinary token; nodes stop a call at 50 million
_READER = "0x000000000000000000000000c0ffe40000000000"  # nobody's: its code is there for the call alone
CODE = (
    "0x"
    "6370a0823160e01b6000908152606090602090355b368210602357605f1983016060f35b9091602080918360001460615784"
    "35600452816040602460008762030d40fa3d8314161560585760405181525b019201906014565b60001981526050565b8435318152605056"
)  # BalanceReader.yul, by solc 0.8.37 --strict-assembly --optimize --evm-version london
_NO_ANSWER = 2**256 - 1


async def read_balances(
    rpc: JsonRpc, listings: Listings, addresses: Sequence[str], at: BlockRef
) -> dict[str, dict[str, int]]:
    """As `wallet.ports.balances.Balances`. Raises `BlockVanished` also where the node has lost the state of that block."""
    held: dict[str, dict[str, int]] = {}
    for listing in listings.all:
        units = await _units(rpc, listing, list(dict.fromkeys(addresses)), at)
        held[listing.asset.symbol] = {
            address: worth for address, one in units.items() if (worth := floor_units(one, listing))
        }
    return held


def balance_of(contract: str | None, owner: str, at: object) -> Call:
    """The question what `owner` has of a token, or of the chain's own asset; `at` names the block."""
    if contract is None:
        return ("eth_getBalance", [owner, at])
    return ("eth_call", [balance_call(contract, owner), at])


def parse_balance(contract: str | None, answer: str) -> int | None:
    """None where a contract answers something else than one word."""
    return quantity(answer) if contract is None else parse_word(answer)


async def _units(rpc: JsonRpc, listing: Listing, addresses: Sequence[str], at: BlockRef) -> Mapping[str, int]:
    parts = [addresses[start : start + OWNERS_PER_CALL] for start in range(0, len(addresses), OWNERS_PER_CALL)]
    answers = await rpc.batch_outcomes([_together(listing, part, at) for part in parts], str)
    found: dict[str, int] = {}
    for part, answer in zip(parts, answers, strict=True):
        words = _words(answer, len(part))
        found.update(zip(part, words, strict=True) if words is not None else await _each(rpc, listing, part, at))
    unsure = [address for address, units in found.items() if units == _NO_ANSWER]
    return {**found, **await _each(rpc, listing, unsure, at)} if unsure else found


def _together(listing: Listing, addresses: Sequence[str], at: BlockRef) -> Call:
    words = [listing.contract or "0x0", *addresses]
    data = "0x" + "".join(word[2:].lower().rjust(64, "0") for word in words)
    return ("eth_call", [{"to": _READER, "data": data}, at_block(at.id), {_READER: {"code": CODE}}])


def _words(answer: str | RpcError, count: int) -> list[int] | None:
    """None where the node did not run our code to its end."""
    if isinstance(answer, RpcError):
        if is_state_gone(answer) or isinstance(unread(answer), BlockVanished):
            raise _vanished(answer)
        return None
    if not is_bytes(answer, 32 * count):
        return None
    return [int(answer[place : place + 64], 16) for place in range(2, len(answer), 64)]


async def _each(rpc: JsonRpc, listing: Listing, addresses: Sequence[str], at: BlockRef) -> dict[str, int]:
    """Who gets no answer from the contract is left out, with 0."""
    calls = [balance_of(listing.contract, address, at_block(at.id)) for address in addresses]
    answers = await rpc.batch_outcomes(calls, str)
    return {address: _number(listing, answer) for address, answer in zip(addresses, answers, strict=True)}


def _number(listing: Listing, answer: str | RpcError) -> int:
    if isinstance(answer, RpcError):
        if listing.contract is not None and is_failure(answer):
            return 0
        raise _vanished(answer)
    return parse_balance(listing.contract, answer) or 0


def _vanished(error: RpcError) -> NetworkError:
    return BlockVanished(str(error)) if is_state_gone(error) else unread(error)
