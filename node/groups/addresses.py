"""`coffer address`."""

import json
from typing import Annotated, Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside, do, say

group = typer.Typer(help="Find addresses that lost books had handed out.", no_args_is_help=True)

REASON = "watched for what lost books had handed out"


@group.command("watch")
def address_watch(
    network: str,
    ahead: Annotated[int, typer.Option(min=1, max=1_000_000, help="So many, of each kind of address.")] = 1_000,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Watch the addresses that come next and give them to nobody: what books older than the world have handed out."""
    from node.commands.addresses import watch  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        done = await watch(context, network, ahead, REASON, say)  # type: ignore[arg-type]
        count = sum(part.count for part in done)
        print(json.dumps({"network": network, "watched": count}) if as_json else f"{count} more addresses are watched")
        return 0

    beside(config, work)


@group.command("rescan")
def address_rescan(
    network: str,
    start: Annotated[int, typer.Option("--from", min=0, help="The first block that is read again.")],
    gap: Annotated[int, typer.Option(min=1, max=1_000_000, help="Unused addresses before the search ends.")] = 1_000,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Watch further addresses and read blocks again for them, until none of so many in a row was ever paid."""
    from node.commands.addresses import find_lost  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        found = await find_lost(context, network, start, gap, REASON, say)  # type: ignore[arg-type]
        told = f"{found.watched} more addresses are watched; blocks {found.first} to {found.last} were read again"
        print(json.dumps(found.shown()) if as_json else told)
        return 0

    beside(config, work)


@group.command("give")
def address_give(network: str, address: str, name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Give a watched address that is nobody's to the customer whose it was. What arrived: `coffer deposit attribute`."""
    from wallet.addresses.watch import give_address  # noqa: PLC0415

    do(config, lambda context: give_address(context, "cli", network, address, name, reason), f"{address}: {name}")  # type: ignore[arg-type]
