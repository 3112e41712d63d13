"""What a credit rests on: the newest observation, and that the books stay at or below it."""

from dataclasses import dataclass

from wallet.context import Record
from wallet.ids import NetworkId
from wallet.journal.change import Ceiling, Requirement
from wallet.ledger import accounts
from wallet.money import Asset


@dataclass(frozen=True, slots=True)
class Cover:
    """Both go into the Change that credits, so that the Journal judges them under the head lock."""

    observed: Requirement
    ceiling: Ceiling


def cover(network: NetworkId, asset: Asset, height: int, observation: Record | None) -> Cover | None:
    """None while the network has not been asked at the deposit's height or above: the deposit then waits."""
    if observation is None or observation["height"] < height:
        return None
    places = (accounts.hot(network, asset), accounts.deposits(network, asset))
    requirement = Requirement("observations", observation["id"], observation["version"])
    return Cover(requirement, Ceiling(places, observation["units"]))
