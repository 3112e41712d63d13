"""`coffer offline`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside

group = typer.Typer(help="Sign on a machine that has the seed and no node.", no_args_is_help=True)

OrderFile = Annotated[Path, typer.Argument(help="What `coffer offline export` wrote.")]


@group.command("export")
def offline_export(
    submission: Annotated[str, typer.Argument(help="A reserved one: sub_…")],
    out: OrderFile,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Write a reserved submission to a file: the unsigned EVM tx, or the Bitcoin tx, which is in it as a PSBT (BIP-174) too."""
    from chains.signer.offline.order import digest_of, words_of_order  # noqa: PLC0415
    from node.commands.offline import order_of, write_order  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        order = await order_of(context, submission)
        write_order(out, order)
        lines = words_of_order(order)
        print(json.dumps({"words": lines, "digest": digest_of(order)}) if as_json else "\n".join(lines))
        return 0

    beside(config, work)


@group.command("show")
def offline_show(file: OrderFile, as_json: Json = False) -> None:
    """What a file would do, decoded here, with the digest to compare. Needs no node."""
    from node.commands.offline import show  # noqa: PLC0415

    raise typer.Exit(show(file, as_json=as_json))


@group.command("sign")
def offline_sign(
    file: OrderFile,
    out: Annotated[Path, typer.Argument(help="Where the signed tx goes, in hexadecimal digits.")],
    descriptor: Annotated[
        int | None, typer.Option(help="Talk over this inherited descriptor (a socket) instead of the terminal.")
    ] = None,
) -> None:
    """Sign a file with the words on paper, typed at the terminal. Needs no node."""
    from node.commands.offline import sign  # noqa: PLC0415

    raise typer.Exit(sign(file, out, descriptor))


@group.command("import")
def offline_import(
    submission: Annotated[str, typer.Argument(help="sub_…")],
    file: Annotated[Path, typer.Argument(help="The signed tx in hexadecimal digits, of this tool or another wallet.")],
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Take signed bytes back: only if they are the reserved tx to the last byte, signed by its keys. Then they are sent."""
    from node.commands.offline import take_back  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        tx = await take_back(context, submission, file)
        print(json.dumps({"submission": submission, "tx": tx}) if as_json else f"{submission} is signed as {tx}")
        return 0

    beside(config, work)
