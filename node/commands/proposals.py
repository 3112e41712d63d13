"""`coffer proposal`: what two operators decide, as each of them sees and answers it."""

import json
from collections.abc import Mapping
from pathlib import Path

from node.commands.acting import acting_operator, sign_digest
from wallet.context import Context
from wallet.errors import NotAllowed
from wallet.proposals.approve import approve_proposal, reject_proposal, sign_proposal
from wallet.proposals.find import find_proposal, list_proposals, proposal_view
from wallet.proposals.propose import Drafting, propose
from wallet.proposals.states import OPEN


async def propose_on_record(context: Context, drafting: Drafting, *, as_json: bool) -> int:
    """Under the operator who acts; what it is comes out for the other one to look at."""
    made = await propose(context, await acting_operator(context), drafting)
    return _print(made.result, as_json=as_json)


async def print_proposals(context: Context, *, everything: bool, as_json: bool) -> int:
    """The open ones, or all."""
    for row in await list_proposals(context, [] if everything else list(OPEN)):
        view = proposal_view(row)
        line = f"{view['id']}  {view['status']:<9} {view['kind']:<14} {view['subject']}  {view['reason']}"
        print(json.dumps(view) if as_json else line)  # noqa: T201  a command's result
    return 0


async def print_proposal(context: Context, name: str, *, as_json: bool) -> int:
    return _print(proposal_view(await find_proposal(context, name)), as_json=as_json)


async def approve(context: Context, name: str, digest: str, key: Path | None) -> int:
    """`digest` is the whole one, or the words of it that were compared aloud."""
    by, whole = await acting_operator(context), await _whole_digest(context, name, digest)
    done = await approve_proposal(context, by, name, whole, sign_digest(key, whole) if key else None)
    return _print(done.result, as_json=False)


async def sign(context: Context, name: str, digest: str, key: Path) -> int:
    by, whole = await acting_operator(context), await _whole_digest(context, name, digest)
    done = await sign_proposal(context, by, name, whole, sign_digest(key, whole))
    return _print(done.result, as_json=False)


async def reject(context: Context, name: str, reason: str) -> int:
    done = await reject_proposal(context, await acting_operator(context), name, reason)
    return _print(done.result, as_json=False)


async def _whole_digest(context: Context, name: str, told: str) -> str:
    view = proposal_view(await find_proposal(context, name))
    if told not in {view["digest"], view["words"]}:
        raise NotAllowed(f"{name} is not the act that you name: look at it with `coffer proposal show {name}`")
    return str(view["digest"])


def _print(view: Mapping[str, object], *, as_json: bool) -> int:
    if as_json:
        print(json.dumps(view))  # noqa: T201
        return 0
    content = view["content"]
    assert isinstance(content, Mapping)
    lines = [f"{view['id']}  {view['kind']}  {view['status']}", f"  because: {view['reason']}"]
    lines += [f"  {name:<20} {text or '-'}" for name, text in sorted(content.items())]
    lines += [
        f"  digest  {view['digest']}",
        f"  words   {view['words']}",
        f"  approvals {json.dumps(view['approvals'])}",
    ]
    print("\n".join(lines))  # noqa: T201
    return 0
