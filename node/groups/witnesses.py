"""`coffer witness`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from node.command_line import Json, counted, finish

group = typer.Typer(help="Signed heads that were kept elsewhere.", no_args_is_help=True)


@group.command("check")
def witness_check(
    file: Annotated[Path, typer.Argument(help="A witness's file, or a copy of it.")],
    key: Annotated[list[str], typer.Option(help="A public key of the node, in hex; may be named more than once.")],
    as_json: Json = False,
) -> None:
    """Check a file of signed heads by itself: every line signed, rows and times only going forward. Needs no node."""
    from wallet.proofs.witness import check_lines, read_heads  # noqa: PLC0415

    async def work() -> int:
        with file.open(encoding="utf-8", errors="replace") as opened:
            checked = check_lines(read_heads(opened), [one.lower() for one in key])
        print(json.dumps({"heads": checked}) if as_json else f"{counted(checked, 'head')}, signed and in order")
        return 0

    finish(work())
