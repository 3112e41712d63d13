"""`coffer keys`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, at_config, beside, finish, say

group = typer.Typer(help="Keys: make, back up, restore, rehearse, rotate.", no_args_is_help=True)

SignerFile = Annotated[Path, typer.Option("--signer", help="The signer's own configuration file.")]
Witnesses = Annotated[list[str], typer.Option("--witness", help="Somebody who is there; at least two people.")]
Descriptor = Annotated[
    int | None, typer.Option(help="Talk over this inherited descriptor (a socket) instead of the terminal.")
]
_SIGNER = Path("signer.toml")


@group.command("create")
def keys_create(
    witness: Witnesses,
    signer: SignerFile = _SIGNER,
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="Have a passphrase beside the words (BIP-39).")
    ] = False,
    descriptor: Descriptor = None,
    as_json: Json = False,
) -> None:
    """Make a seed before witnesses: 24 words shown once, a part typed back, the keystore sealed, the public keys printed."""
    from node.commands.ceremony import Asked, create  # noqa: PLC0415

    raise typer.Exit(create(Asked(signer, tuple(witness), descriptor, as_json), with_passphrase=passphrase))


@group.command("backup")
def keys_backup(
    witness: Witnesses, signer: SignerFile = _SIGNER, descriptor: Descriptor = None, as_json: Json = False
) -> None:
    """Show the words of the seed that is there, before witnesses, and have a part of them typed back."""
    from node.commands.ceremony import Asked, back_up  # noqa: PLC0415

    raise typer.Exit(back_up(Asked(signer, tuple(witness), descriptor, as_json)))


@group.command("restore")
def keys_restore(
    witness: Witnesses, signer: SignerFile = _SIGNER, descriptor: Descriptor = None, as_json: Json = False
) -> None:
    """Make a keystore of the words on paper. The signer's memory is lost with the old one: it starts locked."""
    from node.commands.ceremony import Asked, restore  # noqa: PLC0415

    raise typer.Exit(restore(Asked(signer, tuple(witness), descriptor, as_json)))


@group.command("begin-memory")
def keys_begin_memory(
    reason: Annotated[
        str, typer.Argument(help="Why nothing that was signed can be asked for again. It goes on record.")
    ],
    witness: Witnesses,
    signer: SignerFile = _SIGNER,
    descriptor: Descriptor = None,
    as_json: Json = False,
) -> None:
    """An empty memory for a restored keystore: the signer forgets what it has signed. Read "Keys" in docs/running.md first."""
    from node.commands.ceremony import Asked, begin_memory  # noqa: PLC0415

    raise typer.Exit(begin_memory(Asked(signer, tuple(witness), descriptor, as_json), reason))


@group.command("log")
def keys_log(signer: SignerFile = _SIGNER, as_json: Json = False) -> None:
    """The ceremonies on record, with their witnesses; refused if a line was changed or taken out."""
    from node.commands.ceremony import show_log  # noqa: PLC0415

    raise typer.Exit(show_log(signer, as_json=as_json))


@group.command("rehearse")
def keys_rehearse(
    signer: SignerFile = _SIGNER,
    report: Annotated[Path | None, typer.Option(help="Write what an independent wallet needs to this file.")] = None,
    descriptor: Descriptor = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Type the words from paper: every address of the books is made again from them and compared. No money moves."""
    from chains.signer.settings import read_settings  # noqa: PLC0415
    from node.commands.ceremony import refusable, seed_from_words  # noqa: PLC0415
    from node.commands.rehearse import rehearse, tell_rehearsal, write_report  # noqa: PLC0415
    from node.compose import look_at_database  # noqa: PLC0415

    def held() -> int:
        settings, policy = at_config(config), read_settings(signer).policy
        keys = seed_from_words(descriptor)

        async def work() -> int:
            if report is not None:
                write_report(report, policy, keys)
            async with look_at_database(settings) as dsns:
                return tell_rehearsal(await rehearse(dsns, policy, keys, say), as_json=as_json)

        finish(work())
        return 0

    raise typer.Exit(refusable(held))


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
