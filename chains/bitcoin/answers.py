"""The shapes of the node's answers that we read, and its amounts as whole base units.

What this prevents: an amount that passed through a float. A node writes coins as JSON numbers with eight decimals; they are
read digit by digit.
"""

from decimal import Decimal
from typing import Final

import msgspec

from chains.bitcoin.parameters import DECIMALS, UNITS_MAX
from wallet.ports import NetworkUnreachable

# Bitcoin Core's rpc/protocol.h
INVALID_ADDRESS_OR_KEY: Final = -5  # also: no such block or tx
INVALID_PARAMETER: Final = -8  # also: height out of range, a scan is already running
VERIFY_ERROR: Final = -25
VERIFY_REJECTED: Final = -26
ALREADY_IN_CHAIN: Final = -27
IN_WARMUP: Final = -28


class ChainState(msgspec.Struct):
    """getblockchaininfo"""

    chain: str
    blocks: int
    bestblockhash: str


class Header(msgspec.Struct):
    """getblockheader; `confirmations` is −1 for a block that is not in the active chain."""

    hash: str
    height: int
    confirmations: int


class IndexState(msgspec.Struct):
    synced: bool


class Indexes(msgspec.Struct):
    """getindexinfo"""

    txindex: IndexState | None = None


class Estimate(msgspec.Struct):
    """estimatesmartfee; without enough history there is no rate."""

    feerate: Decimal | None = None


class MempoolState(msgspec.Struct):
    """getmempoolinfo; some nodes tell by which rate they judge dust, others keep to the default. Whatever enters or leaves
    changes number, bytes or fees."""

    mempoolminfee: Decimal
    minrelaytxfee: Decimal
    dustrelayfee: Decimal | None = None
    incrementalrelayfee: Decimal | None = None
    size: int = 0
    bytes: int = 0
    total_fee: Decimal | None = None


class TxState(msgspec.Struct):
    """getrawtransaction with verbosity 2; `blockhash` is absent in the mempool, `confirmations` 0 in an orphaned block."""

    txid: str
    blockhash: str | None = None
    confirmations: int = 0
    fee: Decimal | None = None
    hex: str | None = None

    @property
    def orphaned(self) -> bool:
        """The index remembers the block, but the active chain does not hold it, nor does the mempool hold the tx."""
        return self.blockhash is not None and self.confirmations < 1


class UnspentState(msgspec.Struct):
    """gettxout"""

    bestblock: str


class Spending(msgspec.Struct):
    """gettxspendingprevout, of one outpoint; `spendingtxid` is there when a tx in the mempool spends it."""

    spendingtxid: str | None = None


class EntryFees(msgspec.Struct):
    descendant: Decimal


class MempoolEntry(msgspec.Struct):
    """getmempoolentry; `fees.descendant` is what the tx and all that spends its outputs in the mempool pay together."""

    fees: EntryFees


class ScanState(msgspec.Struct):
    """scantxoutset"""

    success: bool
    height: int
    bestblock: str
    total_amount: Decimal


def units_of(coins: Decimal) -> int:
    """Exactly. Raises `NetworkUnreachable` for what is no amount of coins: the node's answer is then no answer."""
    if not coins.is_finite() or not 0 <= coins <= UNITS_MAX:  # a bound on digits: coins are fewer than units
        raise NetworkUnreachable("the node answered with an amount that cannot exist")
    units = int(coins.scaleb(DECIMALS))
    if Decimal(units).scaleb(-DECIMALS) != coins or units > UNITS_MAX:
        raise NetworkUnreachable("the node answered with an amount that cannot exist")
    return units
