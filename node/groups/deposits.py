"""`coffer deposit`."""

import json
from typing import Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside, counted, do

group = typer.Typer(help="Deposits that wait for a person.", no_args_is_help=True)


@group.command("waiting")
def deposit_waiting(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List quarantined deposits and strays (what no listing covers) with their reasons, one JSON object a line."""
    from node.commands.deposits import print_waiting  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_waiting(context))


@group.command("keep")
def deposit_keep(deposit_id: str, reason: str, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Propose to credit what came wrongly: over another network (dep_…), or before its token was listed (str_…)."""
    from node.commands.proposals import propose_on_record  # noqa: PLC0415
    from wallet.deposits.adopt import draft_adoption  # noqa: PLC0415
    from wallet.strays.credit import draft_credit  # noqa: PLC0415

    draft = draft_credit if deposit_id.startswith("str_") else draft_adoption
    beside(
        config,
        lambda context, _dsns: propose_on_record(context, lambda: draft(context, deposit_id, reason), as_json=as_json),
    )


@group.command("find")
def deposit_find(network: str, height: int, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Write down all strays of one block: of a flood only the first of a day are, and the one that matters may be later."""
    from wallet.strays.record import find_strays  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        found = await find_strays(context, context.network(network), height)
        print(f"{counted(found, 'stray')} written down")
        return 0

    beside(config, work)


@group.command("reorged")
def deposit_reorged(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List credited deposits that a reorg took away, with who bears what: one JSON object a line."""
    from wallet.deposits.reorged import reorged_deposits  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        for found in await reorged_deposits(context):
            print(json.dumps(found))
        return 0

    beside(config, work)


@group.command("attribute")
def deposit_attribute(deposit_id: str, name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Give a deposit without an owner to a customer; it is then confirmed and credited as any other."""
    from wallet.deposits.attribute import attribute_deposit  # noqa: PLC0415

    do(config, lambda c: attribute_deposit(c, "cli", deposit_id, name, reason), f"{deposit_id} belongs to {name}")


@group.command("accept")
def deposit_accept(deposit_id: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let a deposit go on that waits for a second opinion: a large one that one provider alone has shown, after having seen it
    elsewhere; or what arrived of a token that keeps a part, or that moved without a log."""
    from wallet.deposits.one_provider import accept_deposit  # noqa: PLC0415

    do(config, lambda c: accept_deposit(c, "cli", deposit_id, reason), f"{deposit_id} is accepted")


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
