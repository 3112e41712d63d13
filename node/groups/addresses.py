"""`coffer address`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside, do, say

group = typer.Typer(help="Addresses: certificates, and what lost books had handed out.", no_args_is_help=True)

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


@group.command("verify")
def address_verify(
    file: Annotated[Path, typer.Argument(help="The certificate's JSON; - for standard input.")],
    key: Annotated[str, typer.Option(help="The signer's certificate key in hex, from where you trust it.")],
    customer: Annotated[str | None, typer.Option(help="Whose it should be: cus_…")] = None,
    as_json: Json = False,
) -> None:
    """Check a certificate offline: that the signer behind this key has the keys to the address, and whose it is."""
    from node.commands.certificates import check_certificate  # noqa: PLC0415

    raise typer.Exit(check_certificate(file, key, customer, as_json=as_json))


@group.command("key")
def address_key(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Print the key that the signer certifies addresses with: publish it where customers find it without this node."""

    async def work(context: Any, _dsns: Any) -> int:
        found = (await context.signer.status()).certificate_key
        print(json.dumps({"key": found}) if as_json else found)
        return 0

    beside(config, work)


@group.command("give")
def address_give(network: str, address: str, name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Give a watched address that is nobody's to the customer whose it was. What arrived: `coffer deposit attribute`."""
    from wallet.addresses.watch import give_address  # noqa: PLC0415

    do(config, lambda context: give_address(context, "cli", network, address, name, reason), f"{address}: {name}")  # type: ignore[arg-type]
