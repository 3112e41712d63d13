"""Request a withdrawal: the destination is checked, the network fee fixed, the money held."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec.structs import replace

from wallet.approvals.requested import under_policy
from wallet.context import Context
from wallet.customers.viewers import viewers_of
from wallet.errors import AmountRefused, NotFound
from wallet.ids import CustomerId, HoldId, NetworkId, PaymentId, WithdrawalId
from wallet.journal.change import Change, Committed, EventKind, Insert, Request
from wallet.journal.recall import repeatable
from wallet.ledger import templates
from wallet.limits.admit import Admission, admit_withdrawal
from wallet.limits.turns import turn_to_leave
from wallet.listings.carried import carried
from wallet.money import Amount
from wallet.networks.halt import running
from wallet.points import point
from wallet.ports import Destination, Listing, Network
from wallet.vault.items import ItemKind, SealedItem
from wallet.withdrawals.internal import paid_inside
from wallet.withdrawals.probe import refuse_what_would_fail
from wallet.withdrawals.states import State
from wallet.withdrawals.target import Target, find_target
from wallet.withdrawals.terms import FeeMode, Quote, Terms, fixed_fee, terms_of
from wallet.withdrawals.view import withdrawal_view


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody asks for, as it was read. `amount` is what arrives, or with an included fee what is taken in all."""

    owner: CustomerId
    network: NetworkId
    amount: Amount
    destination: Destination
    fee: FeeMode = FeeMode.CHARGED
    quote: Quote | None = None
    client_reference: str | None = None


async def request_withdrawal(
    context: Context,
    actor: str,
    owner: CustomerId,
    network: NetworkId,
    amount: Amount,
    destination: Destination,
    request: Request,
    client_reference: str | None = None,
    *,
    fee: FeeMode = FeeMode.CHARGED,
    quote: Quote | None = None,
) -> Committed:
    """Hold the amount and the network fee; workers do the rest. To an address of another customer it is a payment, and done.

    Raises `NotFound`, `AmountRefused`, `DestinationRefused`, `AssetPaused`, `NetworkHalted`, `InsufficientFunds`,
    `AccountFrozen`, `QuoteRefused`, `QuoteExpired`, what `admit_withdrawal` raises, or the network's error when no fee can be
    quoted now. A retry under the same key returns the first answer. An owner uses a `client_reference` once, for ever
    (`AlreadyExists`).
    """
    draft = Draft(owner, network, amount, destination, fee, quote, client_reference)
    async with turn_to_leave(context, owner):
        committed = await repeatable(context.journal, request, partial(_decide, context, actor, draft, request))
    point("withdrawal.after_request")
    return committed


def listed(network: Network, amount: Amount) -> Listing:
    """Raises `NotFound` where the network does not carry the asset."""
    found = next((listing for listing in network.listings if listing.asset == amount.asset), None)
    if found is None:
        raise NotFound(f"{amount.asset.symbol} on network", network.id)
    return found


def refuse_below_least(listing: Listing, amount: Amount) -> None:
    """Raises `AmountRefused`."""
    least = Amount(max(listing.withdrawal_min_units, 1), amount.asset)
    if amount < least:
        raise AmountRefused(f"a withdrawal on {listing.network} moves at least {least}")


def refuse_inexpressible(listing: Listing, amount: Amount) -> None:
    """Raises `AmountRefused` for more decimals than the asset has on this network: here the ledger may count finer."""
    step: int = 10 ** max(amount.asset.decimals - listing.decimals, 0)
    if amount.units % step:
        raise AmountRefused(f"{amount.asset.symbol} has at most {listing.decimals} decimals on {listing.network}")


async def _decide(context: Context, actor: str, draft: Draft, request: Request) -> Change:
    network = context.network(draft.network)
    listing = listed(network, draft.amount)
    target = await find_target(context, network, draft.owner, draft.destination)
    admission = await admit_withdrawal(context, draft.owner, network, draft.amount, target.destination)
    if target.payee is not None:
        return _admitted(await _inside(context, actor, draft, target, listing, request, admission), admission)
    fee = await fixed_fee(network, draft.amount, draft.fee, draft.quote, context.clock.now())
    terms = terms_of(draft.amount, draft.fee, fee)
    refuse_below_least(listing, terms.arrives)
    refuse_inexpressible(listing, terms.arrives)
    smallest = await network.smallest_payment(draft.amount.asset, target.destination)
    if terms.arrives < smallest:
        raise AmountRefused(f"{draft.network} carries at least {smallest} to this destination")
    await refuse_what_would_fail(context, network, draft.owner, terms.arrives, target.destination)
    asked = await _to_the_network(context, actor, draft, target, terms, request, admission)
    return _admitted(await under_policy(context, asked, target.destination), admission)


def _admitted(change: Change, admission: Admission) -> Change:
    """With what the limits and rules that were looked at require and count."""
    requires, writes = (*change.requires, *admission.requires), (*change.writes, *admission.writes)
    return replace(change, requires=requires, writes=writes, metered=True)


async def _to_the_network(
    context: Context, actor: str, draft: Draft, target: Target, terms: Terms, request: Request, admission: Admission
) -> Change:
    network, asset = context.network(draft.network), draft.amount.asset
    unpaused = (await context.unpaused(asset), *await carried(context, network, asset))
    needs = (*unpaused, await running(context, draft.network))
    sealed = _sealed(context, draft.owner, network, target.destination)
    row = _row(context, draft, target, terms, sealed, admission)
    view = withdrawal_view(row, asset.decimals)
    holds = (HoldId(row["hold"]), HoldId(row["fee_hold"]))
    return Change(
        actor=actor,
        kind=EventKind.WITHDRAWAL_REQUESTED,
        data=view,
        entry=templates.withdrawal_requested(draft.owner, draft.network, terms.arrives, terms.fee, *holds),
        requires=(*request.standing, *needs),
        writes=(Insert("withdrawals", row),),
        vault=(sealed,) if sealed else (),
        viewers=await viewers_of(context, draft.owner),
        request=request,
        result=view,
    )


async def _inside(
    context: Context, actor: str, draft: Draft, target: Target, listing: Listing, request: Request, admission: Admission
) -> Change:
    """All of the amount arrives: no network is paid."""
    assert target.payee is not None, "somebody here receives it"
    refuse_below_least(listing, draft.amount)
    terms = terms_of(draft.amount, draft.fee, Amount(0, draft.amount.asset))
    unpaused = await context.unpaused(draft.amount.asset)
    row, payment = _row(context, draft, target, terms, None, admission), PaymentId(context.new_id("pay"))
    change = paid_inside(actor, row, payment, target.payee, draft.amount, unpaused, request)
    return replace(change, viewers=await viewers_of(context, draft.owner, target.payee))


def _row(
    context: Context, draft: Draft, target: Target, terms: Terms, sealed: SealedItem | None, admission: Admission
) -> dict[str, Any]:
    return {
        "id": WithdrawalId(context.new_id("wdr")),
        "owner": draft.owner,
        "network": draft.network,
        "asset": draft.amount.asset.symbol,
        "units": terms.arrives.units,
        "fee_units": terms.fee.units,
        "fee": terms.mode.value,
        "destination": None if sealed else target.destination.address,
        "destination_item": sealed.id if sealed else None,
        "state": State.REQUESTED.value,
        "reason": None,
        "hold": context.new_id("hld"),
        "fee_hold": context.new_id("hld"),
        "created_at": admission.at,
        "final_at": None,
        "client_reference": draft.client_reference,
        "platform": admission.platform,
    }


def _sealed(context: Context, owner: CustomerId, network: Network, target: Destination) -> SealedItem | None:
    if not network.capabilities.personal_payload:
        return None
    return context.seal(owner, ItemKind.DESTINATION, {"address": target.address, "name": target.name})
