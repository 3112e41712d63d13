"""`coffer policy`."""

from pathlib import Path
from typing import Annotated

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside

group = typer.Typer(help="Which withdrawals people must approve: a text with versions.", no_args_is_help=True)
PolicyFile = Annotated[Path, typer.Argument(help="The whole new text, as docs/running.md describes it.")]


@group.command("show")
def policy_show(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show the policy in force, as it is written and in words."""
    from node.commands.policy import print_policy  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_policy(context, as_json=as_json))


@group.command("history")
def policy_history(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """List all versions, newest first, with who decided them."""
    from node.commands.policy import print_history  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_history(context, as_json=as_json))


@group.command("propose")
def policy_propose(
    file: PolicyFile,
    reason: Annotated[str, typer.Argument(help="It goes on record.")],
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Propose a new policy. It is in force when another operator has approved its whole text."""
    from node.commands.policy import propose_policy  # noqa: PLC0415

    beside(config, lambda context, _dsns: propose_policy(context, file, reason, as_json=as_json))


@group.command("test")
def policy_test(
    file: PolicyFile,
    days: Annotated[int, typer.Option("--days", min=1, max=400, help="How far back to look.")] = 30,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Say what this policy would have asked people for in the real past. Changes nothing."""
    from node.commands.policy import try_policy_file  # noqa: PLC0415

    beside(config, lambda context, _dsns: try_policy_file(context, file, days, as_json=as_json))
