"""Small line plots as SVG, side by side: sizes along a logarithmic axis, figures up from zero."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import log10

WIDTH, HEIGHT = 300, 190  # of one panel
LEFT, RIGHT, TOP, BOTTOM = 12, 46, 42, 30  # what of it the words around the lines take
COLUMNS = 3
COLOURS = ("#1b6ca8", "#c05a1c", "#3d7a3d")


@dataclass(frozen=True, slots=True)
class Line:
    """`points` are size and figure."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Panel:
    title: str
    lines: Sequence[Line]


def draw(panels: Sequence[Panel]) -> str:
    """One SVG of all panels that have points, three in a row."""
    drawn = [panel for panel in panels if any(line.points for line in panel.lines)]
    rows = -(-len(drawn) // COLUMNS)
    parts = [
        f'<g transform="translate({n % COLUMNS * WIDTH},{n // COLUMNS * HEIGHT})">{"".join(_panel(panel))}</g>'
        for n, panel in enumerate(drawn)
    ]
    size = f'width="{COLUMNS * WIDTH}" height="{rows * HEIGHT}" viewBox="0 0 {COLUMNS * WIDTH} {rows * HEIGHT}"'
    style = 'font-family="system-ui, sans-serif" font-size="11" fill="#333"'
    inside = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n'
        f'<rect width="100%" height="100%" fill="#fff"/>\n{inside}\n</svg>\n'
    )


def _panel(panel: Panel) -> Iterator[str]:
    sizes = sorted({size for line in panel.lines for size, _ in line.points})
    top = max(figure for line in panel.lines for _, figure in line.points) or 1.0
    base = HEIGHT - BOTTOM
    yield f'<text x="{LEFT}" y="16" font-weight="600">{escape(panel.title)}</text>'
    yield f'<path d="M{LEFT} {base}H{WIDTH - RIGHT}" stroke="#999"/>'
    for size in sizes:
        yield f'<text x="{_x(size, sizes):.1f}" y="{base + 16}" text-anchor="middle">{_size(size)}</text>'
    highest = {size: max(f for line in panel.lines for s, f in line.points if s == size) for size in sizes}
    for number, line in enumerate(panel.lines):
        yield from _line(line, COLOURS[number % len(COLOURS)], number, sizes, top, highest)


def _line(
    line: Line, colour: str, number: int, sizes: Sequence[float], top: float, highest: Mapping[float, float]
) -> Iterator[str]:
    """A figure stands above its point, or below where another line is higher, so that the two can be read."""
    places = [(_x(size, sizes), _y(figure, top)) for size, figure in line.points]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    yield f'<text x="{LEFT + number * 90}" y="31" fill="{colour}">{escape(line.name)}</text>'
    yield f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for (x, y), (size, figure) in zip(places, line.points, strict=True):
        beside = y - 5 if figure == highest[size] else y + 13
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>'
        yield f'<text x="{x:.1f}" y="{beside:.1f}" fill="{colour}" text-anchor="middle">{_figure(figure)}</text>'


def _x(size: float, sizes: Sequence[float]) -> float:
    first, last = log10(sizes[0]), log10(sizes[-1])
    share = (log10(size) - first) / (last - first) if last > first else 0.5
    return LEFT + 22 + share * (WIDTH - LEFT - RIGHT - 44)


def _y(figure: float, top: float) -> float:
    return HEIGHT - BOTTOM - figure / top * (HEIGHT - TOP - BOTTOM - 12)


def _size(size: float) -> str:
    power = round(log10(size))
    return f'10<tspan dy="-4" font-size="8">{power}</tspan>' if size == 10**power else f"{size:,.0f}"


def _figure(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
