"""`coffer approve` and `coffer approval`: an operator sees a withdrawal in words and answers it.

What this prevents: a yes to something else than what was read. What is shown is made of the very content whose digest is
signed, here and on a machine without the node; a file that says one thing and means another has another digest.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from node.command_line import say
from node.commands.acting import acting_operator, sign_digest
from wallet.approvals.act import Act
from wallet.approvals.approve import approve_withdrawal
from wallet.approvals.approvers import approver_view, list_approvers, revoke_approver
from wallet.approvals.find import asked_view, find_asked, shown, waiting_withdrawals
from wallet.approvals.reject import reject_withdrawal
from wallet.context import Context
from wallet.errors import NotAllowed
from wallet.proposals.approve import ActSignature
from wallet.proposals.digest import withdrawal_content

_FORMAT = "coffer/withdrawal-act/1"
_FIELDS = frozenset(withdrawal_content("", "", "", 0, 0))
_FILE_BYTES_MAX = 16_384


async def print_queue(context: Context, *, as_json: bool) -> int:
    """What waits, one a line."""
    now, asked = context.clock.now(), await waiting_withdrawals(context)
    for row, demand in asked:
        view = asked_view(row, demand, context.asset(row["asset"]).decimals, now)
        line = (
            f"{view['withdrawal']}  {view['amount']} {view['asset']} on {view['network']}  {view['customer']}"
            f"  {view['missing']} of {view['needed']} missing  {demand['because'][-1]}"
        )
        print(json.dumps(view) if as_json else line)  # noqa: T201  a command's result
    if not asked:
        say("nothing waits")
    return 0


async def print_asked(context: Context, withdrawal: str, *, as_json: bool) -> int:
    """One withdrawal and its digest, with who asked for people and who has approved."""
    view = await shown(context, *await find_asked(context, withdrawal))
    print(json.dumps(view) if as_json else "\n".join(_lines(view)))  # noqa: T201
    return 0


async def print_act(context: Context, withdrawal: str) -> int:
    """The act as a file."""
    view = await shown(context, *await find_asked(context, withdrawal))
    print(json.dumps({"format": _FORMAT, "withdrawal": withdrawal, "act": view["act"]}, indent=1))  # noqa: T201
    return 0


async def approve_here(context: Context, withdrawal: str, key: Path | None, signed: Path | None, *, yes: bool) -> int:
    """Beside the node: with the key, or with what was signed elsewhere."""
    by, view = await acting_operator(context), await shown(context, *await find_asked(context, withdrawal))
    digest = str(view["digest"])
    if key is None:
        assert signed is not None, "the command asks for one of them"
        signature = _read_signature(signed, withdrawal)
    else:
        _confirm(_lines(view), yes=yes)
        signature = sign_digest(key, digest)
    done = await approve_withdrawal(context, by, withdrawal, digest, signature)
    missing = done.result["missing"]
    print(f"{withdrawal}: approved{f', {missing} more are needed' if missing else ', and it goes on'}")  # noqa: T201
    return 0


async def sign_act_file(file: Path, key: Path, *, yes: bool) -> int:
    """Without a node: nothing but the file is believed, and nothing but what it says is signed."""
    act = read_act(file)
    _confirm(act_lines(act), yes=yes)
    signed = sign_digest(key, act.digest.hex())
    told = {"withdrawal": act.withdrawal, "digest": act.digest.hex(), "key": signed.key, "signature": signed.signature}
    print(json.dumps(told))  # noqa: T201
    return 0


async def reject(context: Context, withdrawal: str, note: str) -> int:
    """The money goes back."""
    await reject_withdrawal(context, await acting_operator(context), withdrawal, note)
    print(f"{withdrawal}: rejected, the money is back")  # noqa: T201
    return 0


async def print_keys(context: Context, *, as_json: bool) -> int:
    """All approval keys, also those that were revoked."""
    for row in await list_approvers(context):
        view = approver_view(row)
        standing = f"revoked {view['revoked_at']}" if view["revoked_at"] else "stands"
        print(json.dumps(view) if as_json else f"{view['key']}  {view['operator']}  {standing}")  # noqa: T201
    return 0


async def revoke(context: Context, key: str) -> int:
    """At once; one operator is enough to take a right away."""
    await revoke_approver(context, await acting_operator(context), key)
    print(f"{key}: revoked")  # noqa: T201
    return 0


def read_act(file: Path) -> Act:
    """Raises `NotAllowed` for a file that is no act: one field too many could say what is not signed."""
    read = _object(file)
    content = read.get("act")
    if read.get("format") != _FORMAT or set(read) != {"format", "withdrawal", "act"} or not isinstance(content, dict):
        raise NotAllowed(f"{file} is no act of this program: `coffer approval act` writes one")
    texts = [read["withdrawal"], *content.values()]
    if set(content) != _FIELDS or not all(isinstance(text, str) and text.isprintable() for text in texts):
        raise NotAllowed(f"{file} is no withdrawal: it names exactly {', '.join(sorted(_FIELDS))}")
    return Act(read["withdrawal"], content)


def act_lines(act: Act) -> list[str]:
    """What is signed, and nothing beside it."""
    content = act.content
    return [
        f"pay {content['amount']} {content['asset']} on {content['network']}",
        f"to {content['destination']}",
        f"for withdrawal {act.withdrawal}",
        f"  digest  {act.digest.hex()}",
        f"  words   {act.words}",
    ]


def _lines(view: Mapping[str, Any]) -> list[str]:
    signed = act_lines(Act(view["withdrawal"], view["act"]))
    hours, minutes = divmod(int(view["age_s"]) // 60, 60)
    return [
        *signed[:3],
        f"  holder    {view['name'] or '-'}",
        f"  customer  {view['customer']}, {hours} h {minutes} min ago; network fee {view['network_fee']}",
        *(f"  because   {rule}" for rule in view["because"]),
        f"  approved  by {', '.join(view['approved_by']) or 'nobody'}; {view['missing']} of {view['needed']} missing",
        *signed[3:],
    ]


def _confirm(lines: list[str], *, yes: bool) -> None:
    """On standard error, so that standard output has the result alone."""
    for line in lines:
        typer.echo(line, err=True)
    if not yes and not typer.confirm("Is this what you approve?", err=True):
        raise NotAllowed("nothing was signed")


def _read_signature(file: Path, withdrawal: str) -> ActSignature:
    read = _object(file)
    if read.get("withdrawal") != withdrawal:
        raise NotAllowed(f"{file} has an approval of another withdrawal")
    return ActSignature(str(read.get("key")), str(read.get("signature")))


def _object(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as source:
            read = json.loads(source.read(_FILE_BYTES_MAX))
    except (OSError, ValueError) as failure:
        raise NotAllowed(f"{file} cannot be read: {failure}") from None
    if not isinstance(read, dict):
        raise NotAllowed(f"{file} has no object of JSON")
    return read
