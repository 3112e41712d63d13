"""`coffer signer`."""

from pathlib import Path
from typing import Annotated

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, finish

group = typer.Typer(
    help="Run the signer alone, for a node that names its socket; sign its policy.", invoke_without_command=True
)
policy_group = typer.Typer(help="The signer's policy, which operators sign.", no_args_is_help=True)
group.add_typer(policy_group, name="policy")
SignerFile = Annotated[Path, typer.Argument(help="The signer's own configuration file.")]


@group.callback()
def signer(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="The signer's own configuration file.")] = None,
    create: Annotated[bool, typer.Option("--create", help="Make a new seed and memory, then exit.")] = False,
) -> None:
    """Run the signer alone, for a node that names its socket."""
    from chains.signer.__main__ import main as signer_main  # noqa: PLC0415

    if context.invoked_subcommand is not None:
        return
    if config is None:
        raise typer.BadParameter("name the signer's own file with --config")
    raise typer.Exit(signer_main(["--config", str(config), *(["--create"] if create else [])]))


@policy_group.command("show")
def policy_show(file: SignerFile, as_json: Json = False) -> None:
    """The policy in words, its version and digest, and which keys have signed it."""
    from node.commands.signer_policy import show_policy  # noqa: PLC0415

    finish(show_policy(file, print, as_json=as_json))


@policy_group.command("sign")
def policy_sign(file: SignerFile, key: Annotated[Path, typer.Option("--key", help="Your own key's file.")]) -> None:
    """Sign the policy as it stands, after reading it (`show`). The signature is added to FILE.signatures."""
    from node.commands.signer_policy import sign_policy_file  # noqa: PLC0415

    finish(sign_policy_file(file, key, print))


Socket = Annotated[
    Path | None, typer.Option("--socket", help="The signer's socket, where the node's configuration is not at hand.")
]
KeyFile = Annotated[Path, typer.Option("--key", help="Your own key's file, as enrolled at the signer.")]


@group.command("operators")
def operators(config: ConfigFile = DEFAULT_CONFIG, socket: Socket = None, as_json: Json = False) -> None:
    """Who is enrolled at the signer, and how many of them decide."""
    from node.commands.stops import show_operators  # noqa: PLC0415

    finish(show_operators(config, socket, print, as_json=as_json))


@group.command("enrol")
def enrol(
    operator: Annotated[list[str], typer.Argument(help="NAME=KEY, for everybody who is to be enrolled from then on.")],
    key: KeyFile,
    needed: Annotated[int, typer.Option(help="How many of them decide together.")] = 2,
    config: ConfigFile = DEFAULT_CONFIG,
    socket: Socket = None,
    as_json: Json = False,
) -> None:
    """Enrol another list of operators. Takes the signatures of those who are enrolled now, each with this command."""
    from node.commands.stops import enrol_at_signer  # noqa: PLC0415

    pairs = [one.partition("=") for one in operator]
    wanted = {name: public for name, _, public in pairs}
    finish(enrol_at_signer(wanted, needed, key, (config, socket), print, as_json=as_json))


@group.command("adopt")
def adopt(key: KeyFile, config: ConfigFile = DEFAULT_CONFIG, socket: Socket = None, as_json: Json = False) -> None:
    """Vouch for the signer's memory and the node's journal, which contradict each other. Takes several operators."""
    from node.commands.stops import adopt_at_signer  # noqa: PLC0415

    finish(adopt_at_signer(key, config, socket, print, as_json=as_json))
