"""`coffer break`: what differs between the books and a network, where, and how it ends."""

import json
from collections.abc import Callable

from node.notices import tell
from wallet.breaks.open import break_view
from wallet.breaks.resolve import Detail, find_break, list_breaks, look_into, resolve_break
from wallet.context import Context
from wallet.money import format_units

SHOWN_MAX = 200
_PROGRESS_EVERY = 100

Say = Callable[[str], None]


async def print_breaks(context: Context, *, as_json: bool) -> int:
    """Open ones first."""
    rows = await list_breaks(context, SHOWN_MAX)
    views = [break_view(row, context.asset(row["asset"]).decimals) for row in rows]
    if as_json:
        print(json.dumps({"items": views}))  # noqa: T201 (a command's result)
        return 0
    for view in views:
        print(f"{view['id']}  {view['status']:<8}  {view['missing']} {view['asset']}  {view['reason']}")  # noqa: T201
    if not views:
        print("no breaks")  # noqa: T201
    return 0


async def print_break(context: Context, name: str, *, as_json: bool, say: Say) -> int:
    """Looks at the network again. Raises `NotFound` and the network's errors."""

    def progress(done: int, of: int) -> None:
        if done % _PROGRESS_EVERY == 0:
            say(f"asked for {done} of {of} addresses")

    found = await look_into(context, name, progress)
    shown = _shown(context, found)
    if as_json:
        print(json.dumps(shown))  # noqa: T201
        return 0
    print(f"{name} is {found.row['state']}: {found.row['reason']}")  # noqa: T201
    print(f"now, at {found.holding.block.height}: " + _figures(found))  # noqa: T201
    for heading, lines in _sections(context, found).items():
        print(f"{heading}:" if lines else f"{heading}: none")  # noqa: T201
        for line in lines:
            print(f"  {line}")  # noqa: T201
    return 0


async def resolve(context: Context, name: str, reason: str, *, book_loss: bool, claims_hold: bool) -> int:
    """Raises what `resolve_break` raises; operators' notice of the break then says how it ended."""
    await resolve_break(context, "cli", name, reason, book_loss=book_loss, claims_hold=claims_hold)
    row = await find_break(context, name)
    await tell(context, row["network"], name, row["state"], reason)
    print(f"{name} is resolved")  # noqa: T201
    return 0


def _figures(found: Detail) -> str:
    view = found.holding.view()
    return f"observed {view['observed']}, explained {view['explained']}, booked {view['booked']}: {view['difference']}"


def _sections(context: Context, found: Detail) -> dict[str, list[str]]:
    shown = _shown(context, found)
    symbol = found.row["asset"]
    return {
        "where it differs": [
            f"{place['kind']} {place['address']}: expected {place['expected']}, observed {place['observed']}"
            for place in shown["locations"]
        ],
        "deposits that wait to be credited": [
            f"{claim['id']} {claim['amount']} {symbol} at {claim['height']}" for claim in shown["claims"]
        ],
        "last entries": [
            f"{entry['seq']}: {entry['amount']} {symbol} from {entry['credit']} to {entry['debit']}"
            for entry in shown["entries"]
        ],
    }


def _shown(context: Context, found: Detail) -> dict[str, list[dict[str, object]]]:
    decimals = context.asset(found.row["asset"]).decimals
    return {
        "break": [break_view(found.row, decimals)],
        "now": [found.holding.view()],
        "locations": [dict(place.view(decimals)) for place in found.locations],
        "claims": [
            {"id": row["id"], "amount": format_units(row["units"], decimals), "height": row["height"], "tx": row["tx"]}
            for row in found.claims
        ],
        "entries": [
            {
                "seq": row["seq"],
                "amount": format_units(row["units"], decimals),
                "debit": row["debit_account"],
                "credit": row["credit_account"],
            }
            for row in found.entries
        ],
    }
