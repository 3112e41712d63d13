"""`coffer receipt`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, at_config, beside, finish

group = typer.Typer(help="Signed receipts of what the node accepted.", no_args_is_help=True)


@group.command("verify")
def receipt_verify(
    file: Annotated[Path, typer.Argument(help="The receipt's JSON; - for standard input.")],
    key: Annotated[str | None, typer.Option(help="The node's public key in hex, from where you trust it.")] = None,
    journal: Annotated[bool, typer.Option("--journal", help="Look the Change up in this node's journal too.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Check a receipt offline; with --journal also that the journal has what the operator signed for."""
    from node.commands.receipts import check_receipt, read_receipt, tell_receipt  # noqa: PLC0415

    async def offline() -> int:
        found = read_receipt(file)
        return tell_receipt(found, check_receipt(found, key), as_json=as_json)

    async def beside_node(_context: Any, dsns: Any) -> int:
        from node.commands.receipts import check_in_journal  # noqa: PLC0415

        found = read_receipt(file)
        claim = check_receipt(found, key)
        return tell_receipt(found, claim, await check_in_journal(dsns, found), as_json=as_json)

    if journal:
        beside(config, beside_node)
    else:
        finish(offline())


@group.command("key")
def receipt_key(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Print the public key that this node signs receipts and heads with."""
    from node.compose import journal_key, make_private  # noqa: PLC0415

    settings = at_config(config)
    make_private(settings.folder)
    found = journal_key(settings).id
    print(json.dumps({"key": found}) if as_json else found)
