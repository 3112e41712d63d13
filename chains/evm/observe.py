"""What the chain itself says we own, read by address and apart from the deposit scan."""

from collections import Counter
from collections.abc import Sequence

from chains.evm.listings import Listings, floor_units
from chains.evm.token import balance_call, parse_word
from chains.evm.wire import at_block, quantity, unread
from chains.rpc.client import Call, JsonRpc, RpcError
from wallet.ports import BlockRef, Listing, NetworkUnreachable, Observation


async def observe(rpc: JsonRpc, listings: Listings, addresses: Sequence[str], at: BlockRef) -> Observation:
    """Totals per asset in ledger units. Raises rather than leave out an address whose balance cannot be read."""
    asked = [(listing, address) for listing in listings.all for address in dict.fromkeys(addresses)]
    try:
        answers = await rpc.batch([_balance(listing, address, at) for listing, address in asked], str)
    except RpcError as error:
        raise unread(error) from error
    totals: Counter[str] = Counter()
    for (listing, _), answer in zip(asked, answers, strict=True):
        totals[listing.asset.symbol] += _units(listing, answer)
    return Observation(at, {one.asset.symbol: floor_units(totals[one.asset.symbol], one) for one in listings.all})


def _balance(listing: Listing, address: str, at: BlockRef) -> Call:
    if listing.contract is None:
        return ("eth_getBalance", [address, at_block(at.id)])
    return ("eth_call", [balance_call(listing.contract, address), at_block(at.id)])


def _units(listing: Listing, answer: str) -> int:
    units = quantity(answer) if listing.contract is None else parse_word(answer)
    if units is None:
        raise NetworkUnreachable(f"the contract of {listing.asset.symbol} does not tell balances")
    return units
