"""How the bank works: one pure function for each way in which money moves. Values in, an `Entry` out.

Read together with the chart in `accounts`. Debit first, credit second, everywhere. A network fee of zero writes no
transfer, since a transfer moves at least one base unit.
"""

from collections.abc import Sequence

from wallet.ids import CustomerId, HoldId, NetworkId
from wallet.ledger import accounts
from wallet.ledger.accounts import Account
from wallet.ledger.transfers import Entry, Move, Transfer, hold, post, post_fact, post_up_to, settle, void
from wallet.money import Amount


def deposit_credited(customer: CustomerId, network: NetworkId, amount: Amount, *, swept_later: bool) -> Entry:
    """Value that arrived for a customer and is final. It lies on the deposit address until swept, or is spendable at once.
    What the customer owes us in this asset is repaid first; the rest is theirs."""
    place = accounts.deposits(network, amount.asset) if swept_later else accounts.hot(network, amount.asset)
    balance, owed = accounts.customer_balance(customer, amount.asset), accounts.receivable(customer, amount.asset)
    return (post_up_to(place, owed, amount, otherwise=balance),)


def charged_back(customer: CustomerId, place: Account, amount: Amount) -> Entry:
    """A network has taken back what was credited (a bank's return, a reorg below what was final): it is gone from us
    whatever the customer has left. What is missing they owe us. `place` is where it lay, or what has borne it since."""
    balance, owed = accounts.customer_balance(customer, amount.asset), accounts.receivable(customer, amount.asset)
    return (post_up_to(balance, place, amount, otherwise=owed, fact=True),)


def deposit_taken_back(customer: CustomerId, place: Account, amount: Amount) -> Entry:
    """A reorg took back what was credited, and its owner has it still: it goes as it came, and nothing is owed."""
    return (post_fact(accounts.customer_balance(customer, amount.asset), place, amount),)


def funding_taken_back(network: NetworkId, amount: Amount) -> Entry:
    """A reorg took back what operators had sent: capital that was put in is out again."""
    return (post_fact(accounts.capital(amount.asset), accounts.hot(network, amount.asset), amount),)


def funding_received(network: NetworkId, amount: Amount) -> Entry:
    """Value that operators sent to the node's own address: working capital, out of which gas is paid."""
    return (post(accounts.hot(network, amount.asset), accounts.capital(amount.asset), amount),)


def unexplained_outflow(network: NetworkId, amount: Amount) -> Entry:
    """A bank statement shows money leaving that no submission of ours explains. The house bears it until a person does."""
    return (post_fact(accounts.suspense(amount.asset), accounts.hot(network, amount.asset), amount),)


def bank_charge(network: NetworkId, amount: Amount) -> Entry:
    return (post_fact(accounts.network_fees(amount.asset), accounts.hot(network, amount.asset), amount),)


def loss_booked(place: Account, amount: Amount) -> Entry:
    """A break that nothing explains: what the network says is gone leaves the place, and the house bears it. A fact, for the
    world has taken it already."""
    return (post_fact(accounts.loss(amount.asset), place, amount),)


def payment_sent(payer: CustomerId, payee: CustomerId, amount: Amount) -> Entry:
    return (
        post(accounts.customer_balance(payer, amount.asset), accounts.customer_balance(payee, amount.asset), amount),
    )


def entry_reversed(posted: Entry) -> Entry:
    """The opposite of what was posted, last first, so that whoever only passed money on has it back before they give it
    back. What its receiver has spent meanwhile they owe; holds are not placed again, their owner has the money free."""
    return tuple([_reversed(transfer) for transfer in reversed(posted)])


def _reversed(transfer: Transfer) -> Transfer:
    """Raises `ValueError` for a promise, of which nothing was posted."""
    if transfer.move not in (Move.POST, Move.SETTLE):
        raise ValueError("only what was posted is reversed")
    receiver, giver, amount = transfer.credit, transfer.debit, transfer.amount
    if not receiver.is_guarded:
        return post(receiver, giver, amount)
    owed = Account(receiver.owner, "receivable", amount.asset)
    return post_up_to(receiver, giver, amount, otherwise=owed)


def hold_placed(customer: CustomerId, amount: Amount, hold_id: HoldId) -> Entry:
    """A platform has promised this customer's money, to whom is not said yet."""
    return (hold(accounts.customer_balance(customer, amount.asset), accounts.clearing(amount.asset), amount, hold_id),)


def hold_released(customer: CustomerId, left: Amount, hold_id: HoldId) -> Entry:
    """Voided or expired: what was not settled is available again."""
    return (void(accounts.customer_balance(customer, left.asset), accounts.clearing(left.asset), left, hold_id),)


def leg_settled(source: Account, target: Account, amount: Amount) -> Entry:
    """What one party of a trade gives another out of what is available, or what the platform takes of it."""
    return (post(source, target, amount),)


def held_leg_settled(customer: CustomerId, target: Account, amount: Amount, hold_id: HoldId) -> Entry:
    """The same out of a hold, or a part of it: what was promised to nobody yet now has its receiver."""
    clearing = accounts.clearing(amount.asset)
    return (
        settle(accounts.customer_balance(customer, amount.asset), clearing, amount, hold_id),
        post(clearing, target, amount),
    )


def trade_settled(legs: Sequence[Entry]) -> Entry:
    """All legs of a trade, in order: a later one may spend what an earlier one brought."""
    return tuple([transfer for leg in legs for transfer in leg])


def withdrawal_requested(
    customer: CustomerId, network: NetworkId, amount: Amount, fee: Amount, hold_id: HoldId, fee_hold_id: HoldId
) -> Entry:
    """The customer's money is held, principal and quoted network fee apart. Nothing has left."""
    balance = accounts.customer_balance(customer, amount.asset)
    principal = hold(balance, accounts.transit(network, amount.asset), amount, hold_id)
    return (principal, hold(balance, accounts.fees_earned(fee.asset), fee, fee_hold_id)) if fee else (principal,)


def withdrawal_released(
    customer: CustomerId, network: NetworkId, amount: Amount, fee: Amount, hold_id: HoldId, fee_hold_id: HoldId
) -> Entry:
    """Cancelled, rejected, or provably dead: the holds end and the customer has the money back."""
    balance = accounts.customer_balance(customer, amount.asset)
    principal = void(balance, accounts.transit(network, amount.asset), amount, hold_id)
    return (principal, void(balance, accounts.fees_earned(fee.asset), fee, fee_hold_id)) if fee else (principal,)


def withdrawal_settled(
    customer: CustomerId, network: NetworkId, amount: Amount, fee: Amount, hold_id: HoldId, fee_hold_id: HoldId
) -> Entry:
    """The payment is final: what was held is now paid, and the quoted network fee is ours."""
    balance = accounts.customer_balance(customer, amount.asset)
    principal = settle(balance, accounts.transit(network, amount.asset), amount, hold_id)
    return (principal, settle(balance, accounts.fees_earned(fee.asset), fee, fee_hold_id)) if fee else (principal,)


def submission_reserved(
    place: Account, network: NetworkId, amount: Amount, fee_max: Amount, fee_place: Account
) -> Entry:
    """A submission takes its value and the most its fee can be out of the places it spends from. What these books do not
    count (a stray that goes back) is no value here."""
    moved = (post(accounts.transit(network, amount.asset), place, amount),) if amount else ()
    fee = (post(accounts.transit(network, fee_max.asset), fee_place, fee_max),) if fee_max else ()
    return (*moved, *fee)


def fee_raised(fee_place: Account, network: NetworkId, growth: Amount) -> Entry:
    """A replacement may cost more than what was set aside: the growth joins it before anything is signed."""
    return (post(accounts.transit(network, growth.asset), fee_place, growth),) if growth else ()


def submission_final(network: NetworkId, fee_max: Amount, fee_paid: Amount, fee_place: Account) -> Entry:
    """The fee really paid is an expense of the house; the rest of what was set aside for it goes back to its place."""
    transit = accounts.transit(network, fee_max.asset)
    paid = (post(accounts.network_fees(fee_paid.asset), transit, fee_paid),) if fee_paid else ()
    rest = fee_max - fee_paid
    return (*paid, post(fee_place, transit, rest)) if rest else paid


def withdrawal_undone(customer: CustomerId, network: NetworkId, amount: Amount, fee: Amount) -> Entry:
    """A reorg took back a payment that was final, and it can never be made: the customer has it back, and the quoted network
    fee, less what they owe us."""
    balance, owed = accounts.customer_balance(customer, amount.asset), accounts.receivable(customer, amount.asset)
    value = post_up_to(accounts.hot(network, amount.asset), owed, amount, otherwise=balance)
    return (value, post_up_to(accounts.fees_earned(fee.asset), owed, fee, otherwise=balance)) if fee else (value,)


def sweep_undone(network: NetworkId, amount: Amount) -> Entry:
    """The same for a sweep: what was at the hot address lies on the deposit addresses again."""
    return (post_fact(accounts.deposits(network, amount.asset), accounts.hot(network, amount.asset), amount),)


def gas_funding_undone(network: NetworkId, amount: Amount) -> Entry:
    return (post_fact(accounts.hot(network, amount.asset), accounts.deposits(network, amount.asset), amount),)


def fee_corrected(place: Account, booked: Amount, paid: Amount) -> Entry:
    """What a submission paid for the network is something else than was booked: on another branch, or not at all."""
    if paid > booked:
        return (post_fact(accounts.network_fees(paid.asset), place, paid - booked),)
    return (post_fact(place, accounts.network_fees(paid.asset), booked - paid),) if paid < booked else ()


def submission_arrived(place: Account, network: NetworkId, amount: Amount) -> Entry:
    """Our own money has arrived at our own place (a sweep, gas funding), or never left (a submission that reverted or died)."""
    return (post(place, accounts.transit(network, amount.asset), amount),) if amount else ()
