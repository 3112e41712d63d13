"""How scopes and the reasons of stops are written."""

from wallet.ports import SignerStop

ALL = "all"
_BEGINNINGS = ("stopped by operators: ", "stopped by the breaker: ")


def asset_scope(asset: str) -> str:
    return f"asset:{asset}"


def network_scope(network: str) -> str:
    return f"network:{network}"


def reason_of(stop: SignerStop) -> str:
    """What stands at a paused asset or a halted network."""
    by_people, by_itself = _BEGINNINGS
    return f"{by_itself if stop.by == 'breaker' else by_people}{stop.why}"


def is_stop(reason: str | None) -> bool:
    """Was it paused because the signer was stopped, and for nothing else?"""
    return reason is not None and reason.startswith(_BEGINNINGS)
