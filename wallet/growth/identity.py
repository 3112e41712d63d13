"""What names growth for ever: the place, and the final block after which it grew."""

DOUBT = "balance_grew"
_PREFIX = "growth:"


def growth_identity(asset: str, address: str, height_from: int) -> str:
    """One for each place and beginning, whoever looks, so that the same growth is never written down twice."""
    return f"{_PREFIX}{asset}:{address}:{height_from}"


def is_growth(identity: str) -> bool:
    return identity.startswith(_PREFIX)


def growth_start(identity: str) -> int:
    """The height after which it grew."""
    return int(identity.rpartition(":")[2])
