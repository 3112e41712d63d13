"""What two operators are asked to look at before a token is listed, or goes on after it was suspended."""

import re
from dataclasses import dataclass

from sqlalchemy import select

from wallet import schema
from wallet.context import Context, Record
from wallet.errors import NotAllowed, NotFound
from wallet.listings.facts import code_texts, final_facts, tokens_of
from wallet.money import AmountMalformed, Asset, parse_amount
from wallet.ports import Network
from wallet.ports.tokens import TokenFacts
from wallet.proposals.propose import Draft
from wallet.proposals.states import Kind

_PLAIN = re.compile(r"[!-~]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wish:
    """A token as an operator names it. `scale` is the ledger's where it differs from the contract's decimals; the least amounts
    are decimal strings, and what a sweep is worth is more than nothing."""

    network: str
    contract: str
    symbol: str
    scale: int | None = None
    deposit_min: str = "0"
    withdrawal_min: str = "0"
    sweep_min: str = "0"


async def draft_listing(context: Context, wish: Wish, reason: str) -> Draft:
    """Everything about the contract is read from the chain and stands in the act. Raises `NotAllowed`, `NotFound`, and the
    network's errors."""
    network, tokens = tokens_of(context, wish.network)
    facts = await final_facts(network, tokens, wish.contract)
    decimals = _judge(facts)
    asset = _asset(context, wish, decimals)
    await refuse_listed(context, network, asset, facts.contract)
    _check_minima(wish, asset)
    content = {
        "network": wish.network,
        "contract": facts.contract,
        "symbol": asset.symbol,
        "calls_itself": facts.symbol or "",
        "decimals": str(decimals),
        "scale": str(asset.decimals),
        "deposit_min": wish.deposit_min,
        "withdrawal_min": wish.withdrawal_min,
        "sweep_min": wish.sweep_min,
        **code_texts(facts),
    }
    return Draft(Kind.LIST_TOKEN, f"{wish.network}/{facts.contract}", content, reason)


async def draft_resuming(context: Context, network: str, symbol: str, reason: str) -> Draft:
    """Go on with a suspended token as what it is now. Raises `NotFound`, `NotAllowed` if its decimals changed: then what
    the books hold is another amount, and no decision mends that."""
    row = await listing_row(context, network, symbol)
    if row is None or row["suspended"] is None:
        raise NotFound("suspended token", f"{network}/{symbol}")
    facts = await final_facts(*tokens_of(context, network), row["contract"])
    if facts.decimals != row["decimals"]:
        raise NotAllowed(f"{symbol} was listed with {row['decimals']} decimals and says {facts.decimals} now")
    content = {"network": network, "contract": facts.contract, "symbol": symbol, **code_texts(facts)}
    return Draft(Kind.RESUME_TOKEN, f"{network}/{facts.contract}", content, reason)


async def listing_row(context: Context, network: str, symbol: str) -> Record | None:
    return await context.one(select(schema.listings).where(schema.listings.c.id == f"{network}/{symbol}"))


async def refuse_listed(context: Context, network: Network, asset: Asset, contract: str) -> None:
    """An asset has one contract on a network, and a contract is one asset. Raises `NotAllowed`."""
    table = schema.listings
    for row in await context.all(select(table).where(table.c.network == network.id)):
        if row["asset"] == asset.symbol or str(row["contract"]).lower() == contract.lower():
            raise NotAllowed(
                f"{row['asset']} is listed on {network.id} already, as {row['contract'] or 'its own asset'}"
            )


def _check_minima(wish: Wish, asset: Asset) -> None:
    try:
        *_, swept = [parse_amount(text, asset) for text in (wish.deposit_min, wish.withdrawal_min, wish.sweep_min)]
    except AmountMalformed as malformed:
        raise NotAllowed(str(malformed)) from None
    if not swept:
        raise NotAllowed("name the least sum that is worth a sweep: whoever sends less must not cost the house its gas")


def _judge(facts: TokenFacts) -> int:
    """The decimals of a contract that can be listed at all."""
    if facts.code_hash is None:
        raise NotAllowed(f"there is no contract at {facts.contract} in the newest final block")
    if facts.implementation is not None and facts.implementation_hash is None:
        raise NotAllowed(f"{facts.contract} is a proxy for {facts.implementation}, where there is no code")
    if facts.decimals is None:
        raise NotAllowed(f"{facts.contract} does not say in what decimals it counts")
    if facts.symbol is not None and not _PLAIN.fullmatch(facts.symbol):
        raise NotAllowed("the contract calls itself by letters that are not plain ASCII: a look-alike of another token")
    return facts.decimals


def _asset(context: Context, wish: Wish, decimals: int) -> Asset:
    known = context.assets.get(wish.symbol)
    try:
        wanted = Asset(wish.symbol, wish.scale if wish.scale is not None else known.decimals if known else decimals)
    except ValueError as refused:
        raise NotAllowed(str(refused)) from None
    if known is not None and known != wanted:
        raise NotAllowed(f"{wish.symbol} has a scale of {known.decimals} decimals in these books")
    return wanted
