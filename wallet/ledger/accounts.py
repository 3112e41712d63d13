"""The chart of accounts. An account's id is its meaning, `owner:code:asset`, so that templates need no look-up.

owner      code              normal   what it says
customer   balance           credit   what we owe this customer
platform   fees              credit   fees that its customers paid it: owed to the platform, apart from its balance
platform   markup            credit   mark-ups that it earned on rates, likewise
customer   receivable        debit    what this customer owes us
house      hot@N             debit    what the hot address (bank account) of network N holds
house      deposits@N        debit    what lies on customers' deposit addresses of N, not yet swept
house      transit@N         debit    what has left a place of ours and has not arrived or been settled
house      clearing          credit   what holds of platforms are settled to, and goes on from in the same entry: always 0
house      capital           credit   what operators put in
house      fees_earned       credit   network and service fees paid by customers
house      network_fees      debit    fees really paid to miners, validators, banks
house      suspense          credit   movements that nobody has explained yet
house      loss              debit    what was found missing, and a person has written off
"""

from enum import IntFlag

import msgspec

from wallet.ids import AccountId, CustomerId, NetworkId
from wallet.money import Asset

HOUSE = "house"
NOBODY = "nobody"  # owns addresses that were handed out before the books that told to whom were lost
HELD_CODES = ("hot", "deposits")  # places where value lies
COLLECTED_CODES = ("fees", "markup")  # what a platform takes from its customers
OWED_CODES = ("balance", *COLLECTED_CODES)
HOUSE_EQUITY_CODES = ("capital", "fees_earned", "network_fees", "suspense", "loss")


class Flags(IntFlag):
    """Judged by the Journal wherever balances are; NO_OVERDRAFT is a CHECK of the database as well."""

    NONE = 0
    NO_OVERDRAFT = 1  # debits posted and pending never exceed credits posted
    NO_OVERSPEND = 2  # a place cannot pay what it does not hold, unless the world has already taken it (a fact)
    FROZEN = 4  # nothing may leave but a loss that its owner bears (a balancing transfer); credits still arrive
    CLOSED = 8  # nothing moves
    METERED = 16  # its owner has limits: nothing leaves by a Change that does not say that they were asked


class Account(msgspec.Struct, frozen=True, gc=False):
    """A place in the chart: whose, what for, and in which asset. Two with the same meaning have the same id."""

    owner: str
    code: str
    asset: Asset
    id: AccountId = AccountId("")  # made of the others, whatever is given

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "id", AccountId(f"{self.owner}:{self.code}:{self.asset.symbol}"))

    @property
    def is_receivable(self) -> bool:
        return self.code == "receivable"

    @property
    def is_guarded(self) -> bool:
        """Never below zero: what is taken out of it is covered, or comes from elsewhere."""
        return bool(self.opening_flags & Flags.NO_OVERDRAFT)

    @property
    def opening_flags(self) -> Flags:
        """What a new account of this code starts with."""
        if self.owner != HOUSE:
            return Flags.NO_OVERDRAFT if self.code in OWED_CODES else Flags.NONE
        place = self.code.partition("@")[0]
        return Flags.NO_OVERSPEND if place in (*HELD_CODES, "transit") else Flags.NONE


def account_of(name: AccountId, asset: Asset) -> Account:
    """The account whose id this is."""
    owner, code, _ = name.split(":")
    return Account(owner, code, asset)


def owner_of(account: str) -> str:
    """Of an account's id."""
    return account.partition(":")[0]


def shown_sign(code: str) -> int:
    """A receivable is told as what is owed, which grows where the ledger debits it; all others as the ledger has them."""
    return -1 if code == "receivable" else 1


def customer_balance(owner: CustomerId, asset: Asset) -> Account:
    return Account(owner, "balance", asset)


def platform_fees(owner: CustomerId, asset: Asset) -> Account:
    return Account(owner, "fees", asset)


def platform_markup(owner: CustomerId, asset: Asset) -> Account:
    return Account(owner, "markup", asset)


def receivable(owner: CustomerId, asset: Asset) -> Account:
    return Account(owner, "receivable", asset)


def hot(network: NetworkId, asset: Asset) -> Account:
    return Account(HOUSE, f"hot@{network}", asset)


def deposits(network: NetworkId, asset: Asset) -> Account:
    return Account(HOUSE, f"deposits@{network}", asset)


def transit(network: NetworkId, asset: Asset) -> Account:
    return Account(HOUSE, f"transit@{network}", asset)


def clearing(asset: Asset) -> Account:
    return Account(HOUSE, "clearing", asset)


def capital(asset: Asset) -> Account:
    return Account(HOUSE, "capital", asset)


def fees_earned(asset: Asset) -> Account:
    return Account(HOUSE, "fees_earned", asset)


def network_fees(asset: Asset) -> Account:
    return Account(HOUSE, "network_fees", asset)


def suspense(asset: Asset) -> Account:
    return Account(HOUSE, "suspense", asset)


def loss(asset: Asset) -> Account:
    return Account(HOUSE, "loss", asset)
