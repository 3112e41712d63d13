"""`coffer keys`."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside

group = typer.Typer(help="Keys: make, back up, rehearse, rotate.", no_args_is_help=True)


@group.command("rotate")
def keys_rotate(
    network: str,
    reason: Annotated[str, typer.Argument(help="It goes on record.")],
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Pay from the hot address that the signer's file names by now (`hot`); what the earlier one holds is moved to it."""
    from wallet.treasury.rotation import rotate_hot  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        done = await rotate_hot(context, "cli", network, reason)  # type: ignore[arg-type]
        after = (
            "; take `retiring` out of the signer's file when nothing of it is open any more" if done.retiring else ""
        )
        print(json.dumps(asdict(done)) if as_json else f"{network} pays from {done.address} now{after}")
        return 0

    beside(config, work)


@group.command("hot")
def keys_hot(network: str, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """The hot addresses of a network, the one that pays first, and what still is under way from each."""
    from node.commands.keys import hot_addresses  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        found = await hot_addresses(context, network)  # type: ignore[arg-type]
        lines = (f"{one.address}  {one.path}  {one.open} open, {one.state}" for one in found)
        print(json.dumps([asdict(one) for one in found]) if as_json else "\n".join(lines))
        return 0

    beside(config, work)
