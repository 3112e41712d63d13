"""A statement as a page to print: one file that needs nothing else, runs nothing, and has every value escaped."""

import base64
import functools
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path

from api.web.rendering import templates
from wallet.statements.files import head_view, posted_view, totals_view
from wallet.statements.posted import PostedStatement

HTML_TYPE = "text/html"
_STYLE = Path(__file__).parent / "static" / "statement.css"


@functools.cache
def _style() -> str:
    return _STYLE.read_text(encoding="utf-8")


@functools.cache
def policy() -> str:
    """Nothing may be loaded or run; the page's own style is known by its hash (CSP Level 3). The page says so itself too, for
    when it was saved."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


async def statement_html(
    posted: PostedStatement, *, sees_all: bool, holder: str | None, called: str | None
) -> AsyncGenerator[bytes, None]:
    """`holder` is the owner's name, where whoever asks may read it; `called` their handle or reference."""
    head = head_view(posted)
    first = templates.get_template("statement_head.html")
    yield first.render(head=head, style=_style(), policy=policy(), holder=holder, called=called).encode()
    rows = templates.get_template("statement_rows.html")
    async for found in posted.chunks():
        yield rows.render(rows=[posted_view(posted, one, sees_all=sees_all) for one in found]).encode()
    yield templates.get_template("statement_foot.html").render(head=head, totals=totals_view(posted)).encode()
