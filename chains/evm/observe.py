"""What the chain itself says we own, read by address and apart from the deposit scan."""

from collections import Counter
from collections.abc import Sequence

from chains.evm.balances import balance_of, parse_balance
from chains.evm.listings import Listings, floor_units
from chains.evm.wire import at_block, unread
from chains.rpc.client import JsonRpc, RpcError
from wallet.ports import BlockRef, Listing, NetworkUnreachable, Observation


async def observe(rpc: JsonRpc, listings: Listings, addresses: Sequence[str], at: BlockRef) -> Observation:
    """Totals per asset in ledger units. Raises rather than leave out an address whose balance cannot be read."""
    asked = [(listing, address) for listing in listings.all for address in dict.fromkeys(addresses)]
    try:
        answers = await rpc.batch(
            [balance_of(listing.contract, address, at_block(at.id)) for listing, address in asked], str
        )
    except RpcError as error:
        raise unread(error) from error
    totals: Counter[str] = Counter()
    for (listing, _), answer in zip(asked, answers, strict=True):
        totals[listing.asset.symbol] += _units(listing, answer)
    return Observation(at, {one.asset.symbol: floor_units(totals[one.asset.symbol], one) for one in listings.all})


def _units(listing: Listing, answer: str) -> int:
    units = parse_balance(listing.contract, answer)
    if units is None:
        raise NetworkUnreachable(f"the contract of {listing.asset.symbol} does not tell balances")
    return units
