"""Request a withdrawal: the destination is checked, the network fee fixed, the money held."""

from sqlalchemy import select

from wallet import schema
from wallet.addresses.owner import same_address
from wallet.context import Context, Record
from wallet.customers.viewers import viewers_of
from wallet.errors import AmountRefused, DestinationRefused, NotFound
from wallet.ids import CustomerId, HoldId, NetworkId, WithdrawalId
from wallet.journal.body import time_text
from wallet.journal.change import Change, Committed, EventKind, Insert, Request
from wallet.journal.recall import repeatable
from wallet.ledger import templates
from wallet.limits.admit import admit_withdrawal
from wallet.listings.carried import carried
from wallet.money import Amount, format_units
from wallet.networks.halt import running
from wallet.points import point
from wallet.ports import Destination, Network
from wallet.vault.items import ItemKind, SealedItem
from wallet.withdrawals.states import State, reason_of


def withdrawal_view(row: Record, decimals: int) -> dict[str, object]:
    """As its owner sees it; a bank destination is personal and is shown only through the vault."""
    return {
        "id": row["id"],
        "customer": row["owner"],
        "network": row["network"],
        "asset": row["asset"],
        "amount": format_units(row["units"], decimals),
        "network_fee": format_units(row["fee_units"], decimals),
        "destination": row["destination"],
        "status": row["state"],
        "reason": reason_of(row["reason"]),
        "client_reference": row["client_reference"],
        "created_at": time_text(row["created_at"]),
    }


async def request_withdrawal(
    context: Context,
    actor: str,
    owner: CustomerId,
    network: NetworkId,
    amount: Amount,
    destination: Destination,
    request: Request,
    client_reference: str | None = None,
) -> Committed:
    """Hold the amount and the network fee; workers do the rest.

    Raises `NotFound`, `AmountRefused`, `DestinationRefused`, `AssetPaused`, `NetworkHalted`, `InsufficientFunds`,
    `AccountFrozen`, what `admit_withdrawal` raises, or the network's error when no fee can be quoted now. A retry under
    the same key returns the first answer.
    An owner uses a `client_reference` once, for ever (`AlreadyExists`).
    """
    committed = await repeatable(
        context.journal,
        request,
        lambda: _decide(context, actor, owner, network, amount, destination, request, client_reference),
    )
    point("withdrawal.after_request")
    return committed


async def quote_fee(network: Network, amount: Amount) -> Amount:
    """What the customer pays for the network: nothing where the house bears it."""
    if not network.capabilities.customer_pays_fee:
        return Amount(0, amount.asset)
    fee = (await network.estimate_fee(amount.asset)).units
    if fee.asset != amount.asset:
        raise AmountRefused(f"the network fee is in {fee.asset.symbol}")
    return fee


async def _decide(
    context: Context,
    actor: str,
    owner: CustomerId,
    network_id: NetworkId,
    amount: Amount,
    destination: Destination,
    request: Request,
    client_reference: str | None,
) -> Change:
    network = context.network(network_id)
    listing = next((listing for listing in network.listings if listing.asset == amount.asset), None)
    if listing is None:
        raise NotFound(f"{amount.asset.symbol} on network", network_id)
    least = Amount(max(listing.withdrawal_min_units, 1), amount.asset)
    if amount < least:
        raise AmountRefused(f"a withdrawal on {network_id} moves at least {least}")
    target = await _checked(context, network, destination)
    smallest = await network.smallest_payment(amount.asset, target)
    if amount < smallest:
        raise AmountRefused(f"{network_id} carries at least {smallest} to this destination")
    admission = await admit_withdrawal(context, owner, network, target)
    fee = await quote_fee(network, amount)
    unpaused = (await context.unpaused(amount.asset), *await carried(context, network, amount.asset))
    needs = (*unpaused, await running(context, network_id))
    sealed = _sealed(context, owner, network, target)
    row = {
        "id": WithdrawalId(context.new_id("wdr")),
        "owner": owner,
        "network": network_id,
        "asset": amount.asset.symbol,
        "units": amount.units,
        "fee_units": fee.units,
        "destination": None if sealed else target.address,
        "destination_item": sealed.id if sealed else None,
        "state": State.REQUESTED.value,
        "reason": None,
        "hold": context.new_id("hld"),
        "fee_hold": context.new_id("hld"),
        "created_at": context.clock.now(),
        "final_at": None,
        "client_reference": client_reference,
    }
    view = withdrawal_view(row, amount.asset.decimals)
    return Change(
        actor=actor,
        kind=EventKind.WITHDRAWAL_REQUESTED,
        data=view,
        entry=templates.withdrawal_requested(
            owner, network_id, amount, fee, HoldId(str(row["hold"])), HoldId(str(row["fee_hold"]))
        ),
        requires=(*request.standing, *needs, *admission.requires),
        writes=(Insert("withdrawals", row), *admission.writes),
        vault=(sealed,) if sealed else (),
        viewers=await viewers_of(context, owner),
        request=request,
        result=view,
    )


async def _checked(context: Context, network: Network, destination: Destination) -> Destination:
    try:
        target = network.check_destination(destination)
    except ValueError as error:
        raise DestinationRefused(str(error)) from None
    table = schema.addresses
    ours = select(table.c.id).where(same_address(target.address)).limit(1)  # on any network: the keys are ours here too
    if await context.one(ours) is not None:
        raise DestinationRefused("this is an address of this node: pay its owner inside the ledger, without a fee")
    return target


def _sealed(context: Context, owner: CustomerId, network: Network, target: Destination) -> SealedItem | None:
    if not network.capabilities.personal_payload:
        return None
    return context.seal(owner, ItemKind.DESTINATION, {"address": target.address, "name": target.name})
