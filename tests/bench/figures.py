"""How figures are written."""


def number(value: float) -> str:
    """Three digits are as much as such a machine can tell."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
