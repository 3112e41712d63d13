"""`coffer break`."""

from typing import Annotated

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside, say

group = typer.Typer(help="Differences between the books and a network: list, look into, resolve.", no_args_is_help=True)


@group.command("list")
def break_list(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """List breaks, the open ones first: what is missing of which asset, on which network."""
    from node.commands.breaks import print_breaks  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_breaks(context, as_json=as_json))


@group.command("show")
def break_show(break_id: str, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Look at the network again and show where it differs: each address with what is expected and what is observed there."""
    from node.commands.breaks import print_break  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_break(context, break_id, as_json=as_json, say=say))


@group.command("resolve")
def break_resolve(
    break_id: str,
    reason: str,
    config: ConfigFile = DEFAULT_CONFIG,
    book_loss: Annotated[
        bool, typer.Option("--book-loss", help="What is still missing is booked as a loss of the house.")
    ] = False,
    claims_hold: Annotated[
        bool, typer.Option("--claims-hold", help="The deposits that wait to be credited are really there.")
    ] = False,
) -> None:
    """End a break whose difference is gone, or book it as a loss; the asset goes on. The reason goes on record."""
    from node.commands.breaks import resolve  # noqa: PLC0415

    beside(
        config, lambda context, _dsns: resolve(context, break_id, reason, book_loss=book_loss, claims_hold=claims_hold)
    )
