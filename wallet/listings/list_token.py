"""Carry out what two operators approved: the chain is asked once more, and must say the same as the act."""

from wallet.context import ACTOR_NODE, Context, Record
from wallet.errors import NotAllowed, NotFound
from wallet.journal.change import Change, EventKind, Insert, Update
from wallet.listings.adopt import adopt_tokens
from wallet.listings.draft import listing_row, refuse_listed
from wallet.listings.facts import code_columns, code_texts, final_facts, tokens_of
from wallet.money import Asset, parse_amount
from wallet.ports.tokens import TokenFacts
from wallet.proposals.end import done


async def list_token(context: Context, proposal: Record) -> None:
    """Raises `NotAllowed` if the contract is not what was approved any more, `NotFound`, `Stale`, the network's errors."""
    content = proposal["content"]
    network, _ = tokens_of(context, content["network"])
    facts = await _as_approved(context, content)
    asset = Asset(content["symbol"], int(content["scale"]))
    await refuse_listed(context, network, asset, facts.contract)
    listing = {
        "id": f"{network.id}/{asset.symbol}",
        "network": network.id,
        "asset": asset.symbol,
        "contract": facts.contract,
        "decimals": int(content["decimals"]),
        "suspended": None,
        "deposit_min_units": parse_amount(content["deposit_min"], asset).units,
        "withdrawal_min_units": parse_amount(content["withdrawal_min"], asset).units,
        "sweep_min_units": parse_amount(content["sweep_min"], asset).units,
        **code_columns(facts),
    }
    data = {"network": network.id, "asset": asset.symbol, "contract": facts.contract, "decimals": asset.decimals}
    writes: tuple[Insert | Update, ...] = (
        *_new_asset(context, asset),
        Insert("listings", listing),
        done(context, proposal, "listed"),
    )
    await context.journal.commit(Change(ACTOR_NODE, EventKind.ASSET_LISTED, data, writes=writes))
    await adopt_tokens(context, network)


async def resume_token(context: Context, proposal: Record) -> None:
    """Raises as `list_token`."""
    content = proposal["content"]
    facts = await _as_approved(context, content)
    row = await listing_row(context, content["network"], content["symbol"])
    if row is None or row["suspended"] is None:
        raise NotFound("suspended token", proposal["subject"])
    if facts.decimals != row["decimals"]:
        raise NotAllowed("it counts in other decimals than it was listed with")
    values = {**code_columns(facts), "suspended": None}
    data = {"network": row["network"], "asset": row["asset"], "contract": row["contract"]}
    writes = (Update("listings", row["id"], row["version"], values), done(context, proposal, "resumed"))
    await context.journal.commit(Change(ACTOR_NODE, EventKind.TOKEN_RESUMED, data, writes=writes))


async def _as_approved(context: Context, content: dict[str, str]) -> TokenFacts:
    facts = await final_facts(*tokens_of(context, content["network"]), content["contract"])
    now = {**code_texts(facts), "decimals": str(facts.decimals)}
    changed = sorted(name for name, text in now.items() if content.get(name, text) != text)
    if changed:
        raise NotAllowed(f"the contract is not what was approved any more: {', '.join(changed)}")
    return facts


def _new_asset(context: Context, asset: Asset) -> tuple[Insert, ...]:
    if asset.symbol in context.assets:
        return ()
    row = {"id": asset.symbol, "decimals": asset.decimals, "paused": False, "pause_reason": None}
    return (Insert("assets", row),)
