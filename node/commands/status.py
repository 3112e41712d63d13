"""The node on one screen: networks, positions per asset, queues, signer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from node.notices import latest_notices
from wallet import schema
from wallet.breaks.open import OPEN as OPEN_BREAK
from wallet.breaks.open import break_view
from wallet.context import Context
from wallet.deposits.states import CONFIRMING, DETECTED, QUARANTINED, UPROOTED
from wallet.journal.body import time_text
from wallet.ledger.reconcile import provable_positions
from wallet.listings.watch import suspended_tokens
from wallet.money import format_units
from wallet.networks.view import NetworkView, network_views
from wallet.ports import SignerStop, SignerUnavailable
from wallet.treasury.states import OPEN, State
from wallet.withdrawals.states import ENDED

_OPEN_DEPOSITS = (DETECTED, CONFIRMING)


async def read_status(context: Context) -> dict[str, Any]:
    """What `coffer status --json` prints. A network that does not answer is named; its assets then have no proof."""
    return {
        "networks": await read_networks(context),
        "assets": await _assets(context),
        "proofs": await _proofs(context),
        "breaks": [break_view(row, context.asset(row["asset"]).decimals) for row in await _open_breaks(context)],
        "queues": await _queues(context),
        "signer": await _signer(context),
        "journal": await _journal(context),
        "notices": [
            {"source": n["source"], "subject": n["subject"], "state": n["state"], "reason": n["reason"]}
            for n in await latest_notices(context)
        ],
    }


async def read_networks(context: Context) -> list[dict[str, Any]]:
    """What `coffer network list --json` prints."""
    suspended = await suspended_tokens(context)
    return [{**shown_network(view), "suspended": suspended.get(view.id, [])} for view in await network_views(context)]


def shown_network(view: NetworkView) -> dict[str, Any]:
    """As `coffer status` and `coffer network list` tell of it."""
    told = asdict(view)
    moments = {name: time_text(told[name]) if told[name] else None for name in ("seen_at", "head_at")}
    return {"network": told.pop("id"), **told, "lag": view.lag_blocks, **moments}


async def _assets(context: Context) -> list[dict[str, Any]]:
    paused = {row["id"]: row["pause_reason"] for row in await context.all(select(schema.assets)) if row["paused"]}
    proven, unproven = await provable_positions(context)
    shown = [{"asset": p.asset, **p.view(), "paused": paused.get(p.asset)} for p in proven]
    silent = [
        {"asset": symbol, "unproven": str(error), "paused": paused.get(symbol)} for symbol, error in unproven.items()
    ]
    return sorted(shown + silent, key=lambda told: str(told["asset"]))


async def _proofs(context: Context) -> list[dict[str, Any]]:
    """What the reconciliation loop found last, asset by asset of each network, and how old that is."""
    table, now = schema.reconciliations, context.clock.now()
    return [
        {
            "network": row["network"],
            "asset": row["asset"],
            "height": row["height"],
            "difference": _difference(context, row),
            "age_s": int((now - row["proven_at"]).total_seconds()) if row["proven_at"] else None,
            "error": row["error"],
        }
        for row in await context.all(select(table).order_by(table.c.network, table.c.asset))
    ]


def _difference(context: Context, row: Mapping[str, Any]) -> str | None:
    known = context.assets.get(row["asset"])
    return format_units(row["difference"], known.decimals) if known and row["difference"] is not None else None


async def _open_breaks(context: Context) -> list[Mapping[str, Any]]:
    table = schema.breaks
    return list(await context.all(select(table).where(table.c.state == OPEN_BREAK).order_by(table.c.id)))


async def _queues(context: Context) -> dict[str, int]:
    counts = {
        "deposits_open": _count(schema.deposits, schema.deposits.c.state.in_(_OPEN_DEPOSITS)),
        "deposits_uprooted": _count(schema.deposits, schema.deposits.c.state == UPROOTED),
        "deposits_quarantined": _count(schema.deposits, schema.deposits.c.state == QUARANTINED),
        "withdrawals_open": _count(schema.withdrawals, schema.withdrawals.c.state.not_in(ENDED)),
        "submissions_open": _count(schema.submissions, schema.submissions.c.state.in_(OPEN)),
        "submissions_stopped": _count(schema.submissions, schema.submissions.c.state == State.STOPPED),
    }
    return {name: (await context.all(wanted))[0]["count"] for name, wanted in counts.items()}


def _count(table: Any, condition: Any) -> Any:
    return select(func.count().label("count")).select_from(table).where(condition)


async def _signer(context: Context) -> dict[str, Any]:
    try:
        status = await context.signer.status()
    except SignerUnavailable as error:
        return {"state": "unavailable", "reason": str(error)}
    state = "locked" if status.locked else "stopped" if status.stops else "ready"
    return {"state": state, "reason": status.reason, "stops": [shown_stop(stop) for stop in status.stops]}


def shown_stop(stop: SignerStop) -> dict[str, str]:
    """As `coffer status` and `coffer stop` tell of it."""
    at = time_text(datetime.fromtimestamp(stop.at, UTC))
    return {"scope": stop.scope, "why": stop.why, "by": stop.by, "at": at}


async def _journal(context: Context) -> dict[str, Any]:
    head = await context.one(select(schema.journal_head))
    if head is None:
        return {}
    return {"seq": head["seq"], "head": bytes(head["hash"]).hex(), "at": time_text(head["at"])}


def print_status(console: Console, status: Mapping[str, Any]) -> None:
    """The node on one screen, from what `read_status` found."""
    print_networks(console, status["networks"])
    columns = ("owed", "house", "held", "in_transit", "receivables", "difference")
    assets = Table("asset", *(name.replace("_", " ") for name in columns), title="Assets", title_justify="left")
    for a in status["assets"]:
        assets.add_row(a["asset"], *(short_amount(a.get(name, "?")) for name in columns))
    console.print(assets)
    for a in status["assets"]:
        for word in ("paused", "unproven"):
            if a.get(word):
                console.print(f"{a['asset']} {word}: {a[word]}")
    for proof in status["proofs"]:
        if proof["error"] or proof["age_s"] is None:
            age = "never" if proof["age_s"] is None else f"{proof['age_s']} s ago"
            console.print(f"Unproven {proof['network']} {proof['asset']}, last {age}: {proof['error'] or ''}")
    for found in status["breaks"]:
        console.print(f"Break    {found['id']}: {found['reason']}. coffer break show {found['id']}")
    console.print("Queues   " + ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in status["queues"].items()))
    console.print(f"Signer   {status['signer']['state']} {status['signer']['reason'] or ''}")
    for stop in status["signer"].get("stops", ()):
        console.print(f"Stopped  {stop['scope']} by {stop['by']} at {stop['at']}: {stop['why']}. coffer resume")
    console.print(f"Journal  {status['journal'].get('seq')} changes, head {str(status['journal'].get('head'))[:16]}…")
    for notice in status["notices"][:5]:
        console.print(f"Notice   {notice['source']} {notice['subject']}: {notice['state']}: {notice['reason']}")


def print_networks(console: Console, found: Sequence[Mapping[str, Any]]) -> None:
    """How far each is, how far we are, and who stands behind it where that is worth a line."""
    networks = Table(
        "network", "status", "tip", "final", "scanned", "lag", "note", title="Networks", title_justify="left"
    )
    for n in found:
        heights = (_figure(n[name]) for name in ("tip", "final", "scanned", "lag"))
        networks.add_row(n["network"], n["status"], *heights, n["error"] or _progress(n["catching_up"]))
    console.print(networks)
    for n in found:
        if n["halted"]:
            console.print(f"Halted   {n['network']}: {n['halted']}")
        for token in n["suspended"]:
            console.print(f"Suspended {token['asset']} on {n['network']}: {token['reason']}. coffer asset resume-token")
        for provider in n["providers"]:
            odd = provider["error"] or provider.get("unproven") or provider["agrees"] is False
            if odd or len(n["providers"]) > 1:
                console.print(f"Provider {n['network']} {_provider(provider)}")


def _progress(behind: Mapping[str, Any] | None) -> str:
    if behind is None:
        return ""
    left = f"{behind['eta_s']} s left" if behind["eta_s"] is not None else "time left unknown"
    return f"{_figure(behind['blocks_per_minute'])} blocks a minute, {left}"


def _provider(provider: Mapping[str, Any]) -> str:
    agrees = {True: "agrees", False: "disagrees", None: "alone or silent"}[provider["agrees"]]
    heights = f"tip {_figure(provider['tip'])}, final {_figure(provider['final'])}"
    unproven = f", its blocks are not verified: {provider['unproven']}" if provider.get("unproven") else ""
    circuit, error = provider["circuit"], provider["error"] or ""
    return f"{provider['host']}: circuit {circuit}, {heights}, {agrees}{unproven} {error}".rstrip()


def _figure(height: int | None) -> str:
    return "-" if height is None else str(height)


def short_amount(amount: str) -> str:
    """For people: 2 instead of 2.000000000000000000, but 60.00 as it is."""
    whole, _, decimals = amount.partition(".")
    kept = decimals.rstrip("0")
    return amount if len(decimals) <= 2 else f"{whole}.{kept}" if kept else whole
