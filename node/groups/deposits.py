"""`coffer deposit`."""

import json
from typing import Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, beside, do

group = typer.Typer(help="Deposits that wait for a person.", no_args_is_help=True)


@group.command("waiting")
def deposit_waiting(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List quarantined deposits with their reasons, one JSON object a line."""
    from sqlalchemy import select  # noqa: PLC0415

    from wallet import schema  # noqa: PLC0415
    from wallet.deposits.detect import QUARANTINED, deposit_view  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        wanted = select(schema.deposits).where(schema.deposits.c.state == QUARANTINED).order_by(schema.deposits.c.id)
        for row in await context.all(wanted):
            print(json.dumps(deposit_view(row, context.asset(row["asset"]).decimals)))
        return 0

    beside(config, work)


@group.command("attribute")
def deposit_attribute(deposit_id: str, name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Give a deposit without an owner to a customer; it is then confirmed and credited as any other."""
    from wallet.deposits.attribute import attribute_deposit  # noqa: PLC0415

    do(config, lambda c: attribute_deposit(c, "cli", deposit_id, name, reason), f"{deposit_id} belongs to {name}")


@group.command("charge-back")
def deposit_charge_back(deposit_id: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let its owner bear a credited deposit that its network has taken back. The reason goes on record."""
    from wallet.deposits.charge_back import charge_back_deposit  # noqa: PLC0415

    do(config, lambda c: charge_back_deposit(c, "cli", deposit_id, reason), f"{deposit_id} is charged back")


@group.command("disbelieve")
def deposit_disbelieve(deposit_id: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Set aside a deposit that waits to be credited and that its network does not bear out (see `coffer break show`)."""
    from wallet.deposits.disbelieve import disbelieve_deposit  # noqa: PLC0415

    do(config, lambda context: disbelieve_deposit(context, "cli", deposit_id), f"{deposit_id} is quarantined")
