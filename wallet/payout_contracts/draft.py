"""What two operators are asked to look at before a payout contract is made, or an asset goes through it."""

from wallet.context import Context
from wallet.errors import NotAllowed
from wallet.ids import NetworkId
from wallet.payout_contracts.find import find_contract, together_of
from wallet.payout_contracts.states import Act, State
from wallet.ports import Network
from wallet.proposals.propose import Draft
from wallet.proposals.states import Kind
from wallet.treasury.sources import house_address


async def draft_setup(context: Context, network: str, act: Act, symbol: str | None, reason: str) -> Draft:
    """Raises `NotFound`, and `NotAllowed` for what has no sense now."""
    found, _ = together_of(context, network)
    content = await setup_content(context, found, act, symbol)
    return Draft(Kind.SET_UP_PAYOUTS, f"{network}/{symbol or 'contract'}", content, reason)


async def setup_content(context: Context, network: Network, act: Act, symbol: str | None) -> dict[str, str]:
    """All that will be done, as it is now; when it is carried out it must still be the same. Raises as `draft_setup`."""
    _, together = together_of(context, network.id)
    owner = (await house_address(context, network.id)).address
    row = await find_contract(context, NetworkId(network.id))
    said = {"network": network.id, "act": act.value, "owner": owner, "code_hash": together.contract_code_hash(owner)}
    if act is Act.DEPLOY:
        if row is not None and row["state"] != State.SUSPENDED:
            raise NotAllowed(f"{network.id} has a payout contract: {row['contract']}")
        return {**said, "asset": "", "contract": ""}
    if row is None or row["state"] != State.READY:
        raise NotAllowed(f"{network.id} has no payout contract that is ready")
    asset = context.asset(symbol or "")
    if not any(listing.asset == asset for listing in network.listings):
        raise NotAllowed(f"{asset.symbol} is not listed on {network.id}")
    if (act is Act.ALLOW) == (asset.symbol in row["assets"]):
        raise NotAllowed(f"{asset.symbol} does so already")
    return {**said, "asset": asset.symbol, "contract": row["contract"]}
