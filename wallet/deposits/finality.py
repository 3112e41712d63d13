"""Finality goes forward. What this prevents: credit on the word of a network that contradicts itself about what is final."""

from wallet.context import Context
from wallet.deposits.cursor import read_view
from wallet.ports import BlockRef, Network, NetworkError


class FinalityWentBack(NetworkError):
    """The network calls a lower block final than it did, although its tip is as high. Asking again may help: another of the
    provider's machines may be behind."""


async def refuse_finality_gone_back(context: Context, network: Network, tip: BlockRef, final: BlockRef | None) -> None:
    """Raises `FinalityWentBack`; what arrived is seen all the same and waits. Finality that stands still, or is not told for
    a while, is none of it: then what arrived waits as well. A chain whose tip is lower has become shorter, or the provider is
    behind: that is for the scan to find out."""
    view = await read_view(context, network.id)
    if view is None or final is None or view["final_highest"] is None:
        return
    if final.height < view["final_highest"] and tip.height >= view["final_highest_tip"]:
        raise FinalityWentBack(
            f"{network.id} calls block {final.height} final, and called {view['final_highest']} so before: nothing is"
            " credited until it does again"
        )
