"""`coffer customer`."""

from typing import Annotated

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, do

group = typer.Typer(help="Freeze, unfreeze, close and erase customers.", no_args_is_help=True)


@group.command("freeze")
def customer_freeze(name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let nothing leave a customer's accounts; deposits are still credited."""
    from wallet.customers.freeze import freeze_customer  # noqa: PLC0415

    do(config, lambda context: freeze_customer(context, "cli", name, reason), f"{name} is frozen")


@group.command("unfreeze")
def customer_unfreeze(name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let a frozen customer go on."""
    from wallet.customers.freeze import unfreeze_customer  # noqa: PLC0415

    do(config, lambda context: unfreeze_customer(context, "cli", name, reason), f"{name} is not frozen any more")


@group.command("close")
def customer_close(name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Close a customer without money for ever; what still arrives waits for a person."""
    from wallet.customers.close import close_customer  # noqa: PLC0415

    do(config, lambda context: close_customer(context, "cli", name, reason), f"{name} is closed")


@group.command("erase")
def customer_erase(
    name: str,
    config: ConfigFile = DEFAULT_CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase everything that identifies a customer, for ever. The books stay as they are."""
    from wallet.customers.erase import erase_customer  # noqa: PLC0415

    if not yes:
        typer.confirm(f"Erase the personal data of {name} for ever?", abort=True)
    do(config, lambda context: erase_customer(context, "cli", name), f"{name}: personal data erased")
