"""`coffer stop` and `coffer resume`: both speak to the signer itself, so they work without the node and its database."""

from pathlib import Path
from typing import Annotated

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, finish

stop_group = typer.Typer(help="Stop signing: an asset, a network or all, from the answer on.", no_args_is_help=True)
resume_group = typer.Typer(
    help="Lift a stop. Takes the signatures of several enrolled operators, each with this command.",
    no_args_is_help=True,
)
Socket = Annotated[
    Path | None, typer.Option("--socket", help="The signer's socket, where the node's configuration is not at hand.")
]
KeyFile = Annotated[Path, typer.Option("--key", help="Your own key's file, as enrolled at the signer.")]
Why = Annotated[str, typer.Argument(help="It goes on record, and customers' withdrawals tell that they are stopped.")]


@stop_group.command("all")
def stop_all(why: Why, config: ConfigFile = DEFAULT_CONFIG, socket: Socket = None, as_json: Json = False) -> None:
    """Sign nothing at all."""
    _stop("all", why, config, socket, as_json=as_json)


@stop_group.command("network")
def stop_network(
    name: str, why: Why, config: ConfigFile = DEFAULT_CONFIG, socket: Socket = None, as_json: Json = False
) -> None:
    """Sign nothing on one network."""
    _stop(f"network:{name}", why, config, socket, as_json=as_json)


@stop_group.command("asset")
def stop_asset(
    symbol: str, why: Why, config: ConfigFile = DEFAULT_CONFIG, socket: Socket = None, as_json: Json = False
) -> None:
    """Sign nothing that moves one asset, on any network."""
    _stop(f"asset:{symbol}", why, config, socket, as_json=as_json)


@resume_group.command("all")
def resume_all(
    why: Why, key: KeyFile, config: ConfigFile = DEFAULT_CONFIG, socket: Socket = None, as_json: Json = False
) -> None:
    """Lift the stop of all. Stops of single assets and networks stay."""
    _resume("all", why, key, config, socket, as_json=as_json)


@resume_group.command("network")
def resume_network(
    name: str, why: Why, key: KeyFile, config: ConfigFile = DEFAULT_CONFIG, socket: Socket = None, as_json: Json = False
) -> None:
    """Lift the stop of one network."""
    _resume(f"network:{name}", why, key, config, socket, as_json=as_json)


@resume_group.command("asset")
def resume_asset(
    symbol: str,
    why: Why,
    key: KeyFile,
    config: ConfigFile = DEFAULT_CONFIG,
    socket: Socket = None,
    as_json: Json = False,
) -> None:
    """Lift the stop of one asset, or reset its breaker."""
    _resume(f"asset:{symbol}", why, key, config, socket, as_json=as_json)


def _stop(scope: str, why: str, config: Path, socket: Path | None, *, as_json: bool) -> None:
    from node.commands.stops import stop_at_signer  # noqa: PLC0415

    finish(stop_at_signer(scope, why, config, socket, print, as_json=as_json))


def _resume(scope: str, why: str, key: Path, config: Path, socket: Path | None, *, as_json: bool) -> None:
    from node.commands.stops import resume_at_signer  # noqa: PLC0415

    finish(resume_at_signer(scope, why, key, config, socket, print, as_json=as_json))
