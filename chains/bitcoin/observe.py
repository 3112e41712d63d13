"""What the unspent outputs of addresses of ours add up to, as the node's own set has it: read apart from the deposit scan.

The set is known at the tip only, so the block of the answer is the tip at which it was read.
"""

from collections.abc import Sequence
from typing import Final

from chains.bitcoin.address import script_of
from chains.bitcoin.answers import INVALID_PARAMETER, ScanState, units_of
from chains.bitcoin.parameters import Chain
from chains.rpc.client import JsonRpc, RpcError
from wallet.money import Asset
from wallet.ports import BlockRef, NetworkUnreachable, Observation

ADDRESSES_PER_SCAN: Final = 10_000  # each scan reads the whole set, so few and large; 700 kB of request
_TRIES: Final = 3


async def observe(rpc: JsonRpc, addresses: Sequence[str], asset: Asset, chain: Chain) -> Observation:
    """Asked by script, of which the node has but one reading.

    Raises `NetworkUnreachable` where the tip moved too often between the parts of one observation.
    """
    for _ in range(_TRIES):
        scans = [await _scan(rpc, part, chain) for part in _parts(addresses)]
        refs = {BlockRef(scan.height, scan.bestblock) for scan in scans}
        if len(refs) == 1:
            return Observation(refs.pop(), {asset.symbol: sum(units_of(scan.total_amount) for scan in scans)})
    raise NetworkUnreachable("the tip moved while the unspent outputs were read")


def _parts(addresses: Sequence[str]) -> list[tuple[str, ...]]:
    """Each address once; without any, one empty part, so that the answer still names a block."""
    once = tuple(dict.fromkeys(addresses))
    return [once[first : first + ADDRESSES_PER_SCAN] for first in range(0, len(once), ADDRESSES_PER_SCAN)] or [()]


async def _scan(rpc: JsonRpc, addresses: Sequence[str], chain: Chain) -> ScanState:
    descriptors = [f"raw({script_of(address, chain).hex()})" for address in addresses]
    try:
        scanned = await rpc.call("scantxoutset", ["start", descriptors], ScanState)
    except RpcError as error:
        if error.code == INVALID_PARAMETER:
            raise NetworkUnreachable("the node is busy with another scan of its unspent outputs") from error
        raise
    if not scanned.success:
        raise NetworkUnreachable("the node broke off the scan of its unspent outputs")
    return scanned
