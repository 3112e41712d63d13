"""What the core asks of the world: networks, the signer, the address book, the clock. Plain frozen facts in and out.

Adapters record facts and decide nothing. A bank rail and a blockchain are the same kind of thing here: a place where
value arrives in blocks (a bank's block is its statement), becomes final, can be taken back by rules of its own, and
accepts signed submissions. What differs is declared in `Capabilities`, never guessed.

    network       one network                              addresses     ours, and the book of them
    capabilities  what it can do                           arrivals      value that arrives
    listings      which assets it carries                  submissions   value that leaves
    errors        why it did not answer                    signing       the signer

What some networks can tell or do besides has a protocol and a file each: `announcing`, `balances`, `gathering`,
`payout_contracts`, `providers`, `recipients`, `replacing`, `tokens`. And there is `clock`.
"""

from wallet.ports.addresses import AddressBook, Branch, Derived
from wallet.ports.arrivals import UNPROVEN_DOUBTS, Block, BlockRef, Incoming, Outgoing, Party, Stray
from wallet.ports.capabilities import Bumping, Capabilities, Reversal, Source
from wallet.ports.clock import Clock
from wallet.ports.errors import (
    BlockVanished,
    CostTooHigh,
    FeeAbsurd,
    FeeTooHigh,
    NetworkError,
    NetworkMismatch,
    NetworkRateLimited,
    NetworkRejected,
    NetworkUnproven,
    NetworkUnreachable,
    RecipientRefuses,
)
from wallet.ports.gathering import Gathering
from wallet.ports.listings import Listing, Step
from wallet.ports.network import Network, Observation, PaysFrom, Sweeping
from wallet.ports.replacing import Cancelling, Replacing
from wallet.ports.signing import (
    BATCH_MAX,
    Approval,
    Ground,
    HotAddress,
    JournalKnows,
    Purpose,
    Signer,
    SignerRefused,
    SignerSeen,
    SignerStatus,
    SignerStop,
    SignerUnavailable,
    SignRequest,
)
from wallet.ports.submissions import (
    Destination,
    Fate,
    Fee,
    FileSource,
    FundsShort,
    Instruction,
    NonceSource,
    NotTogether,
    Signed,
    Status,
    SubmissionRef,
    Unsigned,
    Utxo,
    UtxoSource,
)

__all__ = [
    "BATCH_MAX",
    "UNPROVEN_DOUBTS",
    "AddressBook",
    "Approval",
    "Block",
    "BlockRef",
    "BlockVanished",
    "Branch",
    "Bumping",
    "Cancelling",
    "Capabilities",
    "Clock",
    "CostTooHigh",
    "Derived",
    "Destination",
    "Fate",
    "Fee",
    "FeeAbsurd",
    "FeeTooHigh",
    "FileSource",
    "FundsShort",
    "Gathering",
    "Ground",
    "HotAddress",
    "Incoming",
    "Instruction",
    "JournalKnows",
    "Listing",
    "Network",
    "NetworkError",
    "NetworkMismatch",
    "NetworkRateLimited",
    "NetworkRejected",
    "NetworkUnproven",
    "NetworkUnreachable",
    "NonceSource",
    "NotTogether",
    "Observation",
    "Outgoing",
    "Party",
    "PaysFrom",
    "Purpose",
    "RecipientRefuses",
    "Replacing",
    "Reversal",
    "SignRequest",
    "Signed",
    "Signer",
    "SignerRefused",
    "SignerSeen",
    "SignerStatus",
    "SignerStop",
    "SignerUnavailable",
    "Source",
    "Status",
    "Step",
    "Stray",
    "SubmissionRef",
    "Sweeping",
    "Unsigned",
    "Utxo",
    "UtxoSource",
]
