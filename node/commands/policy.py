"""`coffer policy`: the rules in force, those before, the next ones, and what they would have done."""

import json
from pathlib import Path

from node.command_line import counted, say
from node.commands.proposals import propose_on_record
from wallet.context import Context
from wallet.errors import NotAllowed
from wallet.policy.past import try_policy
from wallet.policy.rules import TEXT_MAX, read_policy
from wallet.policy.versions import all_versions, current_version, draft_policy, policy_of, version_view
from wallet.policy.words import NO_POLICY, changes_in_words, policy_words

LINES_MAX = 20


async def print_policy(context: Context, *, as_json: bool) -> int:
    """In words first: that is what it means."""
    current = await current_version(context)
    if current is None:
        print(json.dumps(None) if as_json else NO_POLICY)  # noqa: T201  a command's result
        return 0
    words = policy_words(policy_of(context, current))
    if as_json:
        print(json.dumps({**version_view(current), "words": words}))  # noqa: T201
        return 0
    print("\n".join([f"version {current['number']}", *words, "", current["body"]]))  # noqa: T201
    return 0


async def print_history(context: Context, *, as_json: bool) -> int:
    """One version a line."""
    for row in await all_versions(context):
        view = version_view(row)
        until = view["ended_at"] or "now"
        line = f"version {view['version']}  {view['in_force_from']} to {until}  {view['proposal']}"
        print(json.dumps(view) if as_json else line)  # noqa: T201
    return 0


async def propose_policy(context: Context, file: Path, reason: str, *, as_json: bool) -> int:
    """The changes in words go to standard error, before the proposal."""
    text, current = _read(file), await current_version(context)
    before = None if current is None else policy_of(context, current)
    for line in changes_in_words(before, read_policy(text, context.assets)):
        say(line)
    return await propose_on_record(context, lambda: draft_policy(context, text, reason), as_json=as_json)


async def try_policy_file(context: Context, file: Path, days: int, *, as_json: bool) -> int:
    """Progress goes to standard error."""
    policy = read_policy(_read(file), context.assets)
    found = await try_policy(context, policy, days, lambda seen: say(f"{counted(seen, 'withdrawal')} looked at"))
    if as_json:
        print(json.dumps(found.view(context)))  # noqa: T201
        return 0
    looked = counted(found.looked_at, "withdrawal")
    print(f"{looked} in {days} days: {found.caught} would have waited, {found.asked_really} did")  # noqa: T201
    view = found.view(context)
    sums = view["sums"]
    assert isinstance(sums, dict)
    for asset, total in sums.items():
        print(f"  {total} {asset} in all")  # noqa: T201
    for rule, times in found.by_rule.most_common():
        print(f"  {times} times: {rule}")  # noqa: T201
    for one in found.listed[:LINES_MAX]:
        print(f"  {one['requested_at']}  {one['withdrawal']}  {one['amount']} {one['asset']}  {one['customer']}")  # noqa: T201
    if found.caught > LINES_MAX:
        print(f"  and {found.caught - LINES_MAX} more: --json lists up to a thousand")  # noqa: T201
    return 0


def _read(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as source:
            return source.read(TEXT_MAX + 1)
    except (OSError, UnicodeDecodeError) as failure:
        raise NotAllowed(f"{file} cannot be read: {failure}") from None
