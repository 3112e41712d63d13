"""`coffer`: the command line."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, say
from node.command_line import at_config as _config
from node.command_line import beside as _beside
from node.command_line import do as _do
from node.command_line import finish as _finish

app = typer.Typer(
    name="coffer",
    help="A crypto-enabled wallet node: fiat balances beside on-chain assets, in books that anybody can check.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
operator = typer.Typer(help="Operators and their keys.", no_args_is_help=True)
asset = typer.Typer(help="Pause and resume assets.", no_args_is_help=True)
customer = typer.Typer(help="Freeze, unfreeze and erase customers.", no_args_is_help=True)
witness = typer.Typer(help="Signed heads that were kept elsewhere.", no_args_is_help=True)
receipt = typer.Typer(help="Signed receipts of what the node accepted.", no_args_is_help=True)
deposit = typer.Typer(help="Deposits that wait for a person.", no_args_is_help=True)
entry = typer.Typer(help="What was posted in the ledger.", no_args_is_help=True)
breaks = typer.Typer(
    help="Differences between the books and a network: list, look into, resolve.", no_args_is_help=True
)
app.add_typer(operator, name="operator")
app.add_typer(customer, name="customer")
app.add_typer(deposit, name="deposit")
app.add_typer(asset, name="asset")
app.add_typer(entry, name="entry")
app.add_typer(breaks, name="break")
app.add_typer(receipt, name="receipt")
app.add_typer(witness, name="witness")


@app.command()
def run(
    config: ConfigFile = DEFAULT_CONFIG,
    role: Annotated[str, typer.Option(help="all, api or workers.")] = "all",
) -> None:
    """Run a node until it is stopped (SIGTERM or Ctrl-C)."""
    from node.run import Role, run_node  # noqa: PLC0415

    if role not in set(Role):
        say("--role is all, api or workers")
        raise typer.Exit(2)
    settings = _config(config)

    async def work() -> int:
        await run_node(settings, Role(role), say)
        return 0

    _finish(work())


@app.command()
def signer(
    config: Annotated[Path, typer.Option("--config", "-c", help="The signer's own configuration file.")],
    create: Annotated[bool, typer.Option("--create", help="Make a new seed and memory, then exit.")] = False,
) -> None:
    """Run the signer alone, for a node that names its socket."""
    from chains.signer.__main__ import main as signer_main  # noqa: PLC0415

    raise typer.Exit(signer_main(["--config", str(config), *(["--create"] if create else [])]))


@app.command()
def devnet(
    folder: Annotated[Path, typer.Option(help="Where chains, bank and configuration live.")] = Path(".coffer/devnet"),
    listen: Annotated[
        str, typer.Option(help="What the printed configuration lets the node listen on.")
    ] = "127.0.0.1:8080",
) -> None:
    """Run the development networks alone: anvil, bitcoind with a miner, a small bank. Prints how to run a node on them."""
    from node.devnet.command import run_devnet_command  # noqa: PLC0415

    _finish(run_devnet_command(folder.absolute(), listen, say))


@app.command()
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Exit when the tour is over; the last line is one JSON object.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Keep the demo's node here. Without it a new folder is used and removed.")
    ] = None,
) -> None:
    """Show the main job live: money in from three networks, a payment, money out, the books proven."""
    from node.demo.tour import run_demo  # noqa: PLC0415

    _finish(run_demo(once=once, folder=folder.absolute() if folder else None))


@app.command()
def status(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show the node on one screen: networks, positions per asset, queues, signer."""
    from node.commands.status import print_status, read_status  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        found = await read_status(context)
        if as_json:
            print(json.dumps(found))
        else:
            print_status(Console(), found)
        return 0

    _beside(config, work)


@app.command()
def verify(
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
    books_only: Annotated[bool, typer.Option("--books-only", help="Leave out the networks.")] = False,
    archives: Annotated[Path | None, typer.Option(help="Where archived partitions are.")] = None,
) -> None:
    """Prove the books: hash chain, signed batches, transfers, balances, rows, the heads that were witnessed; then every
    asset against its networks, to the last unit."""
    from node.commands.verify import prove  # noqa: PLC0415

    settings = _config(config)
    folder = archives or settings.folder / "archives"

    async def work(context: Any, dsns: Any) -> int:
        return await prove(
            context, dsns, settings.witness_file, folder, as_json=as_json, books_only=books_only, say=say
        )

    _beside(config, work)


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder for the copy of the database.")],
    keys: Annotated[
        Path | None, typer.Option(help="A new folder, kept elsewhere, for the keys to personal data.")
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Copy the embedded database while the node runs, whole at one moment, and check the copy."""
    from node.commands.backup import BackupRefused, back_up  # noqa: PLC0415
    from node.compose import look_at_database  # noqa: PLC0415

    async def work() -> int:
        if "COFFER_DATABASE_URL" in os.environ:
            raise BackupRefused("COFFER_DATABASE_URL names a server of yours: copy it with pg_basebackup")
        settings = _config(config)
        async with look_at_database(settings) as dsns:
            note = await back_up(settings, dsns, folder.absolute(), keys and keys.absolute(), say)
        print(json.dumps(asdict(note)) if as_json else f"{folder}: journal row {note.seq} and what came after it")
        return 0

    _finish(work())


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="What `coffer backup` made.")],
    keys: Annotated[Path | None, typer.Option(help="The keys that it made with --keys.")] = None,
    archives: Annotated[Path | None, typer.Option(help="Where archived partitions are.")] = None,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Make a node folder of a backup, prove the books, and pause every asset until you have compared them with the world."""
    from node.commands.restore import restore as restore_backup  # noqa: PLC0415

    async def work() -> int:
        settings = _config(config)
        where = (archives or settings.folder / "archives").absolute()
        proof = await restore_backup(settings, folder.absolute(), keys and keys.absolute(), where, say)
        print(json.dumps(asdict(proof)) if as_json else f"{proof.seq} changes agree, sealed by {proof.head}")
        return 0

    _finish(work())


@app.command()
def archive(
    partition: Annotated[int, typer.Argument(help="Its number, from 0: partitions go in order.")],
    config: ConfigFile = DEFAULT_CONFIG,
    to: Annotated[
        Path | None, typer.Option(help="The folder for the file; archives in the node's own without it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Prove the books, then move a full partition of the journal that is old enough to a sealed file."""
    from node.commands.archive import archive_partition  # noqa: PLC0415
    from node.commands.verify import prove_books  # noqa: PLC0415

    folder = (to or _config(config).folder / "archives").absolute()

    async def work(context: Any, dsns: Any) -> int:
        await prove_books(dsns, folder, say)
        done = await archive_partition(context, dsns, partition, folder, say)
        told = {"partition": done.number, "first_seq": done.first, "last_seq": done.last, "head": done.head}
        print(
            json.dumps({**told, "file": str(done.file)})
            if as_json
            else f"rows {done.first} to {done.last}: {done.file}"
        )
        return 0

    _beside(config, work)


@app.command()
def export(
    config: ConfigFile = DEFAULT_CONFIG,
    form: Annotated[str, typer.Option("--format", help="csv, ndjson, or hledger: a journal for that program.")] = "csv",
    account: Annotated[str | None, typer.Option(help="One account, by its id.")] = None,
    customer: Annotated[str | None, typer.Option(help="All accounts of a customer, by handle or id.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="A day or a time in UTC; the beginning without it.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Up to and without this moment; now without it.")] = None,
    out: Annotated[Path | None, typer.Option(help="A file; standard output without it.")] = None,
) -> None:
    """Write transfers to a file, in the journal's order: the whole books, or those of one account or customer."""
    from node.commands.export import export as write_export  # noqa: PLC0415
    from node.commands.export import read_wanted  # noqa: PLC0415

    try:
        wanted = read_wanted(form, account, customer, start, end, out)
    except ValueError as error:
        say(str(error))
        raise typer.Exit(2) from None
    _beside(config, lambda context, _dsns: write_export(context, wanted, say))


@app.command()
def explain(
    name: Annotated[
        str,
        typer.Argument(
            help="A customer (id or @handle), the id of a payment, deposit, withdrawal, hold, settlement, submission, "
            "statement or break, a journal position, or one transfer as POSITION.ORDINAL."
        ),
    ],
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Why is it so? The entries behind an object with their journal positions, and the blocks or statements that prove them."""
    from node.commands.explain import explain as explain_it  # noqa: PLC0415

    _beside(config, lambda context, _dsns: explain_it(context, name, as_json=as_json))


@receipt.command("verify")
def receipt_verify(
    file: Annotated[Path, typer.Argument(help="The receipt's JSON; - for standard input.")],
    key: Annotated[str | None, typer.Option(help="The node's public key in hex, from where you trust it.")] = None,
    journal: Annotated[bool, typer.Option("--journal", help="Look the Change up in this node's journal too.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Check a receipt offline; with --journal also that the journal has what the operator signed for."""
    from node.commands.receipt import check_receipt, read_receipt, tell_receipt  # noqa: PLC0415

    async def offline() -> int:
        found = read_receipt(file)
        return tell_receipt(found, check_receipt(found, key), as_json=as_json)

    async def beside(_context: Any, dsns: Any) -> int:
        from node.commands.receipt import check_in_journal  # noqa: PLC0415

        found = read_receipt(file)
        claim = check_receipt(found, key)
        return tell_receipt(found, claim, await check_in_journal(dsns, found), as_json=as_json)

    if journal:
        _beside(config, beside)
    else:
        _finish(offline())


@receipt.command("key")
def receipt_key(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Print the public key that this node signs receipts and heads with."""
    from node.compose import journal_key, make_private  # noqa: PLC0415

    settings = _config(config)
    make_private(settings.folder)
    found = journal_key(settings).id
    print(json.dumps({"key": found}) if as_json else found)


@witness.command("check")
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
        print(json.dumps({"heads": checked}) if as_json else f"{checked} heads are signed and in order")
        return 0

    _finish(work())


@operator.command("create")
def operator_create(
    handle: str,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Create an operator and print a key for them. The key's secret is shown this once."""
    from wallet.access.keys import OPERATOR_SCOPES, create_key, create_operator  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        made = await create_operator(context, "cli", handle)
        _, secret = await create_key(
            context, "cli", str(made.result["id"]), OPERATOR_SCOPES, "created on the command line"
        )
        print(json.dumps({**made.result, "secret": secret}) if as_json else f"{made.result['id']}  {secret}")
        return 0

    _beside(config, work)


@app.command()
def funding(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show the node's own address on each network: operators pay working capital there, such as ETH for gas."""
    from wallet.treasury.sources import house_address  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        found = {name: (await house_address(context, name)).address for name in sorted(context.networks)}
        print(json.dumps(found) if as_json else "\n".join(f"{name:>12}  {place}" for name, place in found.items()))
        return 0

    _beside(config, work)


@asset.command("pause")
def asset_pause(symbol: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Stop everything in one asset: nothing is credited, paid or withdrawn."""
    _switch(config, symbol, reason, paused=True)


@asset.command("resume")
def asset_resume(symbol: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Go on with an asset after looking into why it stopped. The reason goes on record."""
    _switch(config, symbol, reason, paused=False)


@customer.command("freeze")
def customer_freeze(name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let nothing leave a customer's accounts; deposits are still credited."""
    from wallet.customers.freeze import freeze_customer  # noqa: PLC0415

    _do(config, lambda context: freeze_customer(context, "cli", name, reason), f"{name} is frozen")


@customer.command("unfreeze")
def customer_unfreeze(name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let a frozen customer go on."""
    from wallet.customers.freeze import unfreeze_customer  # noqa: PLC0415

    _do(config, lambda context: unfreeze_customer(context, "cli", name, reason), f"{name} is not frozen")


@customer.command("erase")
def customer_erase(
    name: str,
    config: ConfigFile = DEFAULT_CONFIG,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase everything that identifies a customer, for ever. The books stay as they are."""
    from wallet.customers.erase import erase_customer  # noqa: PLC0415

    if not yes:
        typer.confirm(f"Erase the personal data of {name} for ever?", abort=True)
    _do(config, lambda context: erase_customer(context, "cli", name), f"{name}: personal data erased")


@deposit.command("waiting")
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

    _beside(config, work)


@deposit.command("attribute")
def deposit_attribute(deposit_id: str, name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Give a deposit without an owner to a customer; it is then confirmed and credited as any other."""
    from wallet.deposits.attribute import attribute_deposit  # noqa: PLC0415

    _do(config, lambda c: attribute_deposit(c, "cli", deposit_id, name, reason), f"{deposit_id} belongs to {name}")


@deposit.command("charge-back")
def deposit_charge_back(deposit_id: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let its owner bear a credited deposit that its network has taken back. The reason goes on record."""
    from wallet.deposits.charge_back import charge_back_deposit  # noqa: PLC0415

    _do(config, lambda c: charge_back_deposit(c, "cli", deposit_id, reason), f"{deposit_id} is charged back")


@deposit.command("disbelieve")
def deposit_disbelieve(deposit_id: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Set aside a deposit that waits to be credited and that its network does not bear out (see `coffer break show`)."""
    from wallet.deposits.disbelieve import disbelieve_deposit  # noqa: PLC0415

    _do(config, lambda context: disbelieve_deposit(context, "cli", deposit_id), f"{deposit_id} is quarantined")


@entry.command("reverse")
def entry_reverse(
    name: Annotated[str, typer.Argument(help="The id of a payment or settlement, or a position in the journal.")],
    reason: str,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Undo a payment or a settlement, once: the money goes back, what was spent of it is owed. The reason goes on record."""
    from node.commands.entry import reverse  # noqa: PLC0415

    _beside(config, lambda context, _dsns: reverse(context, name, reason, as_json=as_json))


@breaks.command("list")
def break_list(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """List breaks, the open ones first: what is missing of which asset, on which network."""
    from node.commands.breaks import print_breaks  # noqa: PLC0415

    _beside(config, lambda context, _dsns: print_breaks(context, as_json=as_json))


@breaks.command("show")
def break_show(break_id: str, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Look at the network again and show where it differs: each address with what is expected and what is observed there."""
    from node.commands.breaks import print_break  # noqa: PLC0415

    _beside(config, lambda context, _dsns: print_break(context, break_id, as_json=as_json, say=say))


@breaks.command("resolve")
def break_resolve(
    break_id: str,
    reason: str,
    config: ConfigFile = DEFAULT_CONFIG,
    book_loss: Annotated[
        bool, typer.Option("--book-loss", help="What is still missing is booked as a loss of the house.")
    ] = False,
    claims_hold: Annotated[
        bool, typer.Option("--claims-hold", help="The deposits that wait to be credited are really there.")
    ] = False,
) -> None:
    """End a break whose difference is gone, or book it as a loss; the asset goes on. The reason goes on record."""
    from node.commands.breaks import resolve  # noqa: PLC0415

    _beside(
        config, lambda context, _dsns: resolve(context, break_id, reason, book_loss=book_loss, claims_hold=claims_hold)
    )


def _switch(config: Path, symbol: str, reason: str, *, paused: bool) -> None:
    from wallet.assets.pause import pause_asset, resume_asset  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        await (pause_asset if paused else resume_asset)(context, "cli", symbol, reason)
        print(f"{symbol} {'paused' if paused else 'resumed'}")
        return 0

    _beside(config, work)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
