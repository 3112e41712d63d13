"""Values to HTML. Everything is escaped unless it is a drawing of ours."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from api.web.codes import payment_text, qr_svg
from api.web.reading import Live, Receiving

FRAGMENTS = ("notices", "balances", "deposits", "withdrawals", "addresses", "networks")
DECIMALS_SHOWN = 2  # at least, where the asset has them; zeros beyond are left out, other digits never
_THIN = "\N{NARROW NO-BREAK SPACE}"


def short_amount(text: str) -> str:
    """An amount for the eye: thousands apart, and no tail of zeros. No digit that counts is lost."""
    whole, point, fraction = text.partition(".")
    shown = fraction[:DECIMALS_SHOWN] + fraction[DECIMALS_SHOWN:].rstrip("0")
    return f"{int(whole):,}".replace(",", _THIN) + point + shown


def is_nonzero(balance: Mapping[str, str]) -> bool:
    """Whether anything is in this balance, or owed beside it: an operator's page leaves the others out."""
    return is_owing(balance["posted"]) or is_owing(balance["receivable"])


def is_owing(amount: str) -> bool:
    """Whether an amount as it is written is anything at all."""
    return amount.strip("0.") != ""


def short_id(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:10]}…{text[-6:]}"


def spaced(text: str) -> str:
    """An IBAN or a reference in groups of four, as people read and type them."""
    return " ".join(text[place : place + 4] for place in range(0, len(text), 4))


def moment(text: str) -> str:
    """A time for the eye: 2026-11-22 04:41:39, with the part of a second that there is."""
    day, _, time = text.partition("T")
    return f"{day} {time.removesuffix('+00:00').removesuffix('.000000')}"


def _qr(place: Receiving) -> str:
    return qr_svg(payment_text(place.kind, place.address, place.bank))


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"amount": short_amount, "short": short_id, "spaced": spaced, "moment": moment, "qr": _qr}
    environment.tests |= {"nonzero": is_nonzero, "owing": is_owing}
    return environment


templates = _environment()


def render_page(live: Live, style: str, script: str) -> str:
    fragments = render_fragments(live)
    return templates.get_template("page.html").render(live=live, fragments=fragments, style=style, script=script)


def render_sign_in(style: str, *, refused: bool) -> str:
    return templates.get_template("sign_in.html").render(style=style, refused=refused)


def render_fragments(live: Live) -> dict[str, str]:
    """The parts of the page that change, each by its element's id."""
    return {name: templates.get_template(f"{name}.html").render(live=live) for name in FRAGMENTS}
