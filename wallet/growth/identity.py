"""What names growth for ever: the place, and the final block after which it grew."""

DOUBT = "balance_grew"
LEFT_AGAIN = "left_again"
"""The reason of growth that was shown and is not there any more, or of which a tx tells by now."""
PREFIX = "growth:"


def growth_identity(asset: str, address: str, height_from: int) -> str:
    """One for each place and beginning, whoever looks, so that the same growth is never written down twice."""
    return f"{PREFIX}{asset}:{address}:{height_from}"


def is_growth(identity: str) -> bool:
    return identity.startswith(PREFIX)


def growth_start(identity: str) -> int:
    """The height after which it grew."""
    return int(identity.rpartition(":")[2])
