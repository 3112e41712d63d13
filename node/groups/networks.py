"""`coffer network`."""

from typing import Annotated, Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, beside

group = typer.Typer(help="Networks: how far they are; halt and resume.", no_args_is_help=True)


@group.command("list")
def network_list(
    config: ConfigFile = DEFAULT_CONFIG,
    json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """Tip, final and scanned heights, what is behind and for how long, and the providers of each network."""
    from json import dumps  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415

    from node.commands.status import print_networks, read_networks  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        found = await read_networks(context)
        if json:
            print(dumps(found))
        else:
            print_networks(Console(), found)
        return 0

    beside(config, work)


@group.command("halt")
def network_halt(name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Credit nothing that arrives on a network and sign nothing new for it; what was sent is followed."""
    from wallet.networks.halt import halt_network  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        done = await halt_network(context, "cli", name, reason)
        print(f"{name} is halted" if done else f"{name} was halted already")
        return 0

    beside(config, work)


@group.command("resume")
def network_resume(name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Go on with a network after looking into why it was halted. The reason goes on record."""
    from wallet.networks.halt import resume_network  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        done = await resume_network(context, "cli", name, reason)
        print(f"{name} goes on" if done else f"{name} was not halted")
        return 0

    beside(config, work)
