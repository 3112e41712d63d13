"""Explanations in sentences. Pure: what may be seen has been decided before."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from wallet.explain.evidence import Evidence

View = Mapping[str, Any]

_VERBS = {"post": "moved", "hold": "held", "settle": "settled out of a hold", "void": "released from a hold"}


def moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def change_words(change: View) -> list[str]:
    """A Change with its transfers, as `explain.change_view` has it."""
    where = f"Journal position {change['position']}" if change["position"] is not None else "The journal"
    by = f", by {change['actor']}" if change["actor"] is not None else ""
    return [
        f"{where}, {change['at']}: {change['kind']}{by}.",
        *[f"  {line}" for move in change["transfers"] for line in _move_words(move)],
        f"  {_proof_words(change)}",
    ]


def _move_words(move: View) -> list[str]:
    line = f"{move['amount']} {move['asset']} {_VERBS[move['move']]}, {_who(move['from'])} to {_who(move['to'])}."
    after = [f"  {side['account']} then has {side['posted']} posted, {side['held']} held." for side in move["after"]]
    return [line[0].upper() + line[1:], *after]


def _who(account: str | None) -> str:
    return "another customer" if account is None else account


def _proof_words(change: View) -> str:
    if change["key"] is None:
        return f"Its hash in the chain is {change['hash']}; it is from before batches were signed."
    batch = change["batch"]
    where = "" if batch is None else f" of {batch['first']} to {batch['last']}"
    return f"Its hash in the chain is {change['hash']}; its batch{where} is signed by the node's key {change['key']}."


def evidence_words(evidence: Evidence) -> str:
    """Where on its network it can be looked up."""
    tx = "no tx yet" if evidence.tx is None else f"tx {evidence.tx}"
    if evidence.height is None:
        return f"On {evidence.network}: {tx}; no block or statement shows it yet."
    if evidence.digest is not None:
        name = f" ({evidence.statement})" if evidence.statement else ""
        return (
            f"Proof on {evidence.network}: {tx} in statement {evidence.height}{name}, accepted from the file with the "
            f"digest {evidence.digest}."
        )
    return f"Proof on {evidence.network}: {tx} in block {evidence.height}, {evidence.block}."


def account_words(account: View) -> list[str]:
    """One account of a customer: how its figures come about, as `accounts` has it."""
    name, asset = account["account"], account["asset"]
    if name == "receivable":
        return [f"{asset}: {account['posted']} is owed to the house."]
    figures = (
        f"{asset} {name}: {account['came_in']} came in and {account['went_out']} went out, so {account['posted']} is posted; "
        f"{account['held']} of it is held, and {account['available']} is available."
    )
    return [figures, *[f"  {hold['amount']} {asset} is held for {hold['object']}." for hold in account["holds"]]]


def told(parts: Sequence[Sequence[str]]) -> list[str]:
    return [line for part in parts for line in part]
