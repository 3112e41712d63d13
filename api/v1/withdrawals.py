"""Withdrawals: requested, quoted, followed, cancelled."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field
from sqlalchemy import select

from api.amounts import read_amount
from api.auth import may_see, subject
from api.idempotency import personal, request_of
from api.pages import page_of_rows
from api.personal import reveal_for_owner
from api.quotes import QUOTE_MAX, open_quote, seal_quote
from api.receipted import Receipted
from api.routes import Answer, Call, Idempotency, any_of, route
from api.schema import (
    AmountText,
    AssetSymbol,
    ClientReference,
    Closed,
    CustomerName,
    Line,
    Moment,
    NetworkName,
    Nothing,
    Paging,
    Shown,
)
from wallet import schema
from wallet.access.keys import Scope
from wallet.context import Context, Record
from wallet.errors import NotFound
from wallet.ids import CustomerId, NetworkId
from wallet.journal.body import time_text
from wallet.journal.change import Committed
from wallet.money import Amount, format_units
from wallet.ports import Destination, Purpose
from wallet.withdrawals.cancel import cancel_withdrawal
from wallet.withdrawals.request import listed, refuse_below_least, refuse_inexpressible, request_withdrawal
from wallet.withdrawals.states import Reason, State, Wait
from wallet.withdrawals.terms import QUOTE_LIFE, FeeMode, Quote, Terms, quote_fee, terms_of
from wallet.withdrawals.view import withdrawal_view
from wallet.withdrawals.waiting import waits_for

_TABLE = schema.withdrawals
FEE = Field(
    default=FeeMode.CHARGED,
    strict=False,
    description="The network fee is `charged` on top of the amount, or `included` in it: then less arrives.",
)


class DestinationBody(Closed):
    """On a chain the address alone; at a bank the IBAN and the name of its holder."""

    address: Line = Field(min_length=1, max_length=128, examples=["bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"])
    name: Line | None = Field(default=None, min_length=1, max_length=140, examples=["Bob Example"])


class WithdrawalBody(Closed):
    network: NetworkName
    asset: AssetSymbol
    amount: AmountText
    destination: DestinationBody
    fee: FeeMode = FEE
    quote: Line | None = Field(
        default=None, max_length=QUOTE_MAX, description="From `POST /v1/withdrawals/quote`: its network fee is paid."
    )
    client_reference: ClientReference | None = None
    customer: CustomerName | None = Field(default=None, description="Platforms name a sub-account of theirs.")


class QuoteQuery(Closed):
    network: NetworkName
    asset: AssetSymbol
    amount: AmountText


class QuoteBody(Closed):
    network: NetworkName
    asset: AssetSymbol
    amount: AmountText
    fee: FeeMode = FEE
    customer: CustomerName | None = Field(default=None, description="Platforms name a sub-account of theirs.")


class WithdrawalQuery(Paging):
    customer: CustomerName | None = None


class QuoteView(Shown):
    """What a withdrawal requested now would hold. The fee is fixed when it is requested, not by the quote."""

    network: NetworkName
    asset: AssetSymbol
    amount: AmountText
    network_fee: AmountText
    total: AmountText


class QuotePromise(QuoteView):
    """`amount` arrives and `total` is held, if the withdrawal is requested with `quote` before `expires_at`."""

    fee: FeeMode
    quote: str
    expires_at: Moment


class DestinationView(Shown):
    address: str
    name: str | None


class WithdrawalView(Shown):
    """`amount` arrives, and `total` is what it takes in all. `payment` is the payment that was made instead where the
    destination is an address of another customer here: no network fee is taken. `destination` is null where it was erased,
    or is personal and not one's own. `txs` fills as it is signed: last the one that counts, before
    it those that it has replaced at a higher fee, which can never be included beside it. `waits_for` is null once it has ended.
    `GET /v1/withdrawals/states` says what each word means."""

    id: str
    network: NetworkName
    asset: AssetSymbol
    amount: AmountText
    network_fee: AmountText
    fee: FeeMode
    total: AmountText
    destination: DestinationView | None
    status: State
    reason: Reason | None = Field(description="Why it ended otherwise than paid.")
    waits_for: Wait | None
    payment: str | None
    returned_by: str | None = Field(description="The deposit in which the receiving bank sent it back.")
    client_reference: str | None = None
    txs: list[str]
    created_at: Moment
    final_at: Moment | None


class WithdrawalAccepted(WithdrawalView, Receipted):
    """The withdrawal, with a proof that the request was accepted."""


class WithdrawalPage(Shown):
    items: list[WithdrawalView]
    next_cursor: str | None


@route(
    "POST",
    "/v1/withdrawals",
    access=any_of(Scope.WITHDRAW, judged=True),
    answer=WithdrawalAccepted,
    statuses=(201,),
    idempotency=Idempotency.REQUIRED,
    refuses=(
        "amount_refused",
        "destination_refused",
        "destination_not_saved",
        "destination_not_yet_usable",
        "limit_exceeded",
        "not_found",
        "insufficient_funds",
        "account_frozen",
        "account_closed",
        "asset_paused",
        "network_halted",
        "balance_overflow",
        "duplicate_reference",
        "idempotency_key_reused",
        "network_unavailable",
        "quote_refused",
        "quote_expired",
    ),
)
async def send(call: Call[WithdrawalBody, Nothing]) -> Answer:
    """Send money out"""
    sent, owner = call.body, await subject(call, call.body.customer)
    amount = read_amount(call.context, sent.asset, sent.amount)
    done = await request_withdrawal(
        call.context,
        call.principal.key,
        owner,
        NetworkId(sent.network),
        amount,
        Destination(sent.destination.address, sent.destination.name),
        request_of(call, "withdrawal.request", _meaning(call, owner, amount)),
        sent.client_reference,
        fee=sent.fee,
        quote=open_quote(call.settings, call.context, owner, sent.quote) if sent.quote is not None else None,
    )
    return await _first_answer(call, done, 201)


def _meaning(call: Call[WithdrawalBody, Nothing], owner: CustomerId, amount: Amount) -> dict[str, object]:
    """What a retry must repeat. What is left at its default is left out: it means what it meant before it could be said."""
    sent, settings = call.body, call.settings
    told: dict[str, object] = {
        "network": sent.network,
        "asset": sent.asset,
        "units": str(amount.units),
        "address": personal(settings, sent.destination.address),
        "name": personal(settings, sent.destination.name),
        **_on_behalf(call, owner),
    }
    more: dict[str, object] = {"client_reference": sent.client_reference, "quote": sent.quote}
    told |= {name: value for name, value in more.items() if value is not None}
    return told if sent.fee is FeeMode.CHARGED else {**told, "fee": sent.fee.value}


@route(
    "GET",
    "/v1/withdrawals/quote",
    access=any_of(Scope.READ, Scope.WITHDRAW),
    answer=QuoteView,
    refuses=("not_found", "amount_refused", "network_unavailable"),
)
async def quote(call: Call[Nothing, QuoteQuery]) -> Answer:
    """What the network fee of a withdrawal would be now"""
    asked = call.query
    amount, network = read_amount(call.context, asked.asset, asked.amount), call.context.network(asked.network)
    listed(network, amount)
    terms = terms_of(amount, FeeMode.CHARGED, await quote_fee(network, amount))
    return Answer(QuoteView(network=asked.network, asset=asked.asset, **_figures(terms)))


@route(
    "POST",
    "/v1/withdrawals/quote",
    access=any_of(Scope.READ, Scope.WITHDRAW),
    answer=QuotePromise,
    refuses=("not_found", "amount_refused", "network_unavailable"),
)
async def promise(call: Call[QuoteBody, Nothing]) -> Answer:
    """Promise a network fee for two minutes"""
    asked, owner = call.body, await subject(call, call.body.customer)
    amount, network = read_amount(call.context, asked.asset, asked.amount), call.context.network(asked.network)
    listing = listed(network, amount)
    fee = await quote_fee(network, amount)
    terms = terms_of(amount, asked.fee, fee)
    refuse_below_least(listing, terms.arrives)
    refuse_inexpressible(listing, terms.arrives)
    until = call.context.clock.now() + QUOTE_LIFE
    sealed = seal_quote(call.settings, owner, Quote(network.id, amount, asked.fee, fee, until))
    view = QuotePromise(
        network=asked.network,
        asset=asked.asset,
        **_figures(terms),
        fee=asked.fee,
        quote=sealed,
        expires_at=time_text(until),
    )
    return Answer(view)


def _figures(terms: Terms) -> dict[str, str]:
    figures = {"amount": terms.arrives, "network_fee": terms.fee, "total": terms.total}
    return {name: format_units(figure.units, figure.asset.decimals) for name, figure in figures.items()}


@route(
    "POST",
    "/v1/withdrawals/{withdrawal}/cancel",
    access=any_of(Scope.WITHDRAW, judged=True),
    answer=WithdrawalAccepted,
    idempotency=Idempotency.REQUIRED,
    refuses=("not_found", "not_cancellable", "hold_not_open", "idempotency_key_reused"),
)
async def cancel(call: Call[Nothing, Nothing]) -> Answer:
    """Cancel a withdrawal that the node has not begun to sign"""
    withdrawal = call.path["withdrawal"]
    row = await _row(call.context, withdrawal)
    if row is None or not await may_see(call, row["owner"]):
        raise NotFound("withdrawal", withdrawal)
    request = request_of(call, "withdrawal.cancel", {"withdrawal": withdrawal})
    return await _first_answer(
        call,
        await cancel_withdrawal(call.context, call.principal.key, CustomerId(row["owner"]), withdrawal, request),
        200,
    )


@route(
    "GET",
    "/v1/withdrawals",
    access=any_of(Scope.READ, Scope.OPERATE_READ),
    answer=WithdrawalPage,
    refuses=("not_found", "invalid_cursor"),
)
async def list_all(call: Call[Nothing, WithdrawalQuery]) -> Answer:
    """Withdrawals, newest first"""
    owner = await subject(call, call.query.customer)
    rows, following = await page_of_rows(call, f"withdrawals:{owner}", _TABLE, _TABLE.c.owner == owner)
    sent = await sent_txs(call.context, [row["id"] for row in rows])
    waits = await waits_for(call.context, rows)
    items = [await _shown(call, row, sent.get(row["id"], []), waits.get(row["id"])) for row in rows]
    return Answer(WithdrawalPage(items=items, next_cursor=following))


@route(
    "GET",
    "/v1/withdrawals/{withdrawal}",
    access=any_of(Scope.READ, Scope.OPERATE_READ),
    answer=WithdrawalView,
    refuses=("not_found",),
)
async def show(call: Call[Nothing, Nothing]) -> Answer:
    """One withdrawal"""
    row = await _row(call.context, call.path["withdrawal"])
    if row is None or not await may_see(call, row["owner"]):
        raise NotFound("withdrawal", call.path["withdrawal"])
    sent = await sent_txs(call.context, [row["id"]])
    waits = await waits_for(call.context, [row])
    return Answer(await _shown(call, row, sent.get(row["id"], []), waits.get(row["id"])))


def _on_behalf(call: Call[Any, Any], owner: CustomerId) -> dict[str, object]:
    """Whose money it is belongs to the meaning where it is not one's own; the key is the platform's for all of them."""
    return {} if owner == call.principal.owner else {"customer": owner}


async def sent_txs(context: Context, withdrawals: Sequence[str]) -> dict[str, list[str]]:
    """The txs (at a bank: payout files) that carry each withdrawal, from the moment they are signed: the one that counts last,
    before it those that it has replaced."""
    links, submissions = schema.submission_withdrawals, schema.submissions
    wanted = (
        select(links.c.withdrawal, submissions)
        .join(submissions, submissions.c.id == links.c.submission)
        .where(links.c.withdrawal.in_(withdrawals), submissions.c.tx.is_not(None))
        .order_by(submissions.c.id)
    )
    rows = await context.all(wanted)
    later = await _replacing_txs(context, [row["id"] for row in rows if row["replacements"]])
    found: dict[str, list[str]] = {}
    for row in rows:
        txs = [row["tx"], *later.get(row["id"], [])]
        counts = row["mined"] or (txs[-1] if row["height"] is None else row["tx"])
        found.setdefault(row["withdrawal"], []).extend([*(tx for tx in txs if tx != counts), counts])
    return found


async def _replacing_txs(context: Context, submissions: Sequence[str]) -> dict[str, list[str]]:
    if not submissions:
        return {}
    table = schema.replacements
    pays = (table.c.submission.in_(submissions), table.c.tx.is_not(None), table.c.purpose != Purpose.SELF_CANCEL.value)
    found: dict[str, list[str]] = {}
    for row in await context.all(select(table).where(*pays).order_by(table.c.submission, table.c.number)):
        found.setdefault(row["submission"], []).append(row["tx"])
    return found


async def _row(context: Context, withdrawal: str) -> Record | None:
    return await context.one(select(_TABLE).where(_TABLE.c.id == withdrawal))


async def _first_answer(call: Call[Any, Any], done: Committed, status: int) -> Answer:
    """What was answered first is answered on every retry: the state at that moment, and a destination that never changes."""
    row = await _row(call.context, str(done.result["id"]))
    if row is None:
        raise AssertionError("a committed withdrawal is not there")
    destination = await _destination(call, row)
    wait = Wait.TURN if done.result["status"] == State.REQUESTED else None
    view = _view({**done.result, "destination": destination, "txs": [], "final_at": None, "waits_for": wait})
    location = f"/v1/withdrawals/{view.id}" if status == 201 else None
    return Answer(view, status, done.replayed, location, done)


async def _shown(call: Call[Any, Any], row: Record, txs: list[str], wait: Wait | None) -> WithdrawalView:
    view = withdrawal_view(row, call.context.asset(row["asset"]).decimals)
    final_at = time_text(row["final_at"]) if row["final_at"] else None
    more = {"destination": await _destination(call, row), "txs": txs, "final_at": final_at, "waits_for": wait}
    return _view({**view, **more})


def _view(content: Mapping[str, object]) -> WithdrawalView:
    return WithdrawalView.model_validate(content)


async def _destination(call: Call[Any, Any], row: Record) -> dict[str, object] | None:
    if row["destination_item"] is None:
        return {"address": row["destination"], "name": None}
    if call.principal.is_operator:
        return None
    clear: dict[str, object] | None = await reveal_for_owner(call.context, row["destination_item"])
    return clear


ROUTES = (send, quote, promise, cancel, list_all, show)
