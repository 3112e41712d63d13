"""`coffer withdrawal`."""

import json
from typing import Annotated, Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside

group = typer.Typer(help="Withdrawals that wait for a person.", no_args_is_help=True)


@group.command("doubted")
def withdrawal_doubted(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List submissions that the network included and of which nobody can say whether they paid, one JSON object a line."""
    from node.commands.withdrawals import doubted_views  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        for view in await doubted_views(context):
            print(json.dumps(view))
        return 0

    beside(config, work)


@group.command("decide")
def withdrawal_decide(
    name: Annotated[str, typer.Argument(help="The withdrawal (wdr_…) or its submission (sub_…).")],
    reason: Annotated[str, typer.Argument(help="What you have seen, and where. It goes on record.")],
    paid: Annotated[bool, typer.Option("--paid/--unpaid", help="Whether the payee has the money.")],
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Say whether a doubted submission paid. Unpaid gives its customers their money back: look at the payee's balance first.

    The operator is the one whose API key COFFER_OPERATOR_KEY names. The asset stays paused: resume it by itself.
    """
    from node.commands.withdrawals import decide  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        result = await decide(context, name, reason, paid=paid)
        print(json.dumps(result) if as_json else f"{result['submission']} is settled as {result['verdict']}")
        return 0

    beside(config, work)
