"""`coffer operator`."""

import json
from pathlib import Path
from typing import Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside, finish

group = typer.Typer(help="Operators and their keys.", no_args_is_help=True)


@group.command("approval-key")
def operator_approval_key(file: Path) -> None:
    """Make an Ed25519 key for approvals that the signer checks itself, and print its public half for the signer's file."""
    from node.commands.acting import make_approval_key  # noqa: PLC0415

    async def work() -> int:
        print(make_approval_key(file))
        return 0

    finish(work())


@group.command("create")
def operator_create(
    handle: str,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Create an operator and print a key for them. The key's secret is shown this once."""
    from wallet.access.keys import OPERATOR_SCOPES, create_key, create_operator  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        made = await create_operator(context, "cli", handle)
        _, secret = await create_key(
            context, "cli", str(made.result["id"]), OPERATOR_SCOPES, "created on the command line"
        )
        print(json.dumps({**made.result, "secret": secret}) if as_json else f"{made.result['id']}  {secret}")
        return 0

    beside(config, work)
