"""`coffer destination`."""

import json
from typing import Annotated, Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside

group = typer.Typer(help="A customer's saved destinations for withdrawals.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="The customer: id or @handle.")]


@group.command("save")
def destination_save(
    name: Name,
    network: str,
    address: str,
    holder: Annotated[str | None, typer.Option(help="At a bank, the name of the account's holder.")] = None,
    label: Annotated[str | None, typer.Option(help="A name for it that is nobody's personal data.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Save a destination for a customer who asked for it. It waits for its delay, as one that they save themselves."""
    from node.commands.destinations import save_for  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        view = await save_for(context, name, network, address, holder, label)
        print(json.dumps(view) if as_json else f"{view['id']} can be used from {view['usable_at']} on")
        return 0

    beside(config, work)


@group.command("list")
def destination_list(name: Name, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List what a customer has saved, newest first, one JSON object a line. Bank accounts are not shown."""
    from node.commands.destinations import saved_of  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        for view in await saved_of(context, name):
            print(json.dumps(view))
        return 0

    beside(config, work)


@group.command("remove")
def destination_remove(name: Name, destination: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Remove a saved destination (dst_…). Saved again, it waits again."""
    from node.commands.destinations import remove_from  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        await remove_from(context, name, destination)
        print(f"{destination} is removed")
        return 0

    beside(config, work)
