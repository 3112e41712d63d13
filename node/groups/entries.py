"""`coffer entry`."""

from typing import Annotated

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside

group = typer.Typer(help="What was posted in the ledger.", no_args_is_help=True)


@group.command("reverse")
def entry_reverse(
    name: Annotated[str, typer.Argument(help="The id of a payment or settlement, or a position in the journal.")],
    reason: str,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Undo a payment or a settlement, once: the money goes back, what was spent of it is owed. The reason goes on record."""
    from node.commands.entries import reverse  # noqa: PLC0415

    beside(config, lambda context, _dsns: reverse(context, name, reason, as_json=as_json))
