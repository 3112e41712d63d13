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
from node.command_line import finish as _finish
from node.groups import (
    addresses,
    approvals,
    assets,
    breaks,
    customers,
    deposits,
    destinations,
    entries,
    keys,
    limits,
    networks,
    offline,
    operators,
    policy,
    proposals,
    receipts,
    signers,
    stops,
    submissions,
    withdrawals,
    witnesses,
)

app = typer.Typer(
    name="coffer",
    help="A crypto-enabled wallet node: fiat balances beside on-chain assets, in books that anybody can check.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(addresses.group, name="address")
app.add_typer(approvals.group, name="approval")
app.command("approve")(approvals.approve)
app.add_typer(policy.group, name="policy")
app.add_typer(operators.group, name="operator")
app.add_typer(assets.group, name="asset")
app.add_typer(customers.group, name="customer")
app.add_typer(deposits.group, name="deposit")
app.add_typer(destinations.group, name="destination")
app.add_typer(entries.group, name="entry")
app.add_typer(keys.group, name="keys")
app.add_typer(offline.group, name="offline")
app.add_typer(limits.group, name="limit")
app.add_typer(breaks.group, name="break")
app.add_typer(proposals.group, name="proposal")
app.add_typer(networks.group, name="network")
app.add_typer(receipts.group, name="receipt")
app.add_typer(withdrawals.group, name="withdrawal")
app.add_typer(signers.group, name="signer")
app.add_typer(stops.stop_group, name="stop")
app.add_typer(stops.resume_group, name="resume")
app.add_typer(submissions.group, name="submission")
app.add_typer(witnesses.group, name="witness")


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


@app.command()
def recover(
    stray: Annotated[str, typer.Argument(help="What was sent wrongly: str_… (see `coffer deposit waiting`).")],
    address: Annotated[str, typer.Argument(help="Where its owner wants it, outside of this node.")],
    reason: Annotated[str, typer.Argument(help="It goes on record.")],
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Propose to send a stray back. It goes when another operator approves, with the signatures that the signer asks for."""
    from node.commands.proposals import propose_on_record  # noqa: PLC0415
    from wallet.strays.recover import draft_recovery  # noqa: PLC0415

    _beside(
        config,
        lambda context, _dsns: propose_on_record(
            context, lambda: draft_recovery(context, stray, address, reason), as_json=as_json
        ),
    )


@app.command()
def funding(config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Show the node's own address on each network: operators pay working capital there, such as ETH for gas."""
    from wallet.treasury.sources import house_address  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        found = {name: (await house_address(context, name)).address for name in sorted(context.networks)}
        print(json.dumps(found) if as_json else "\n".join(f"{name:>12}  {place}" for name, place in found.items()))
        return 0

    _beside(config, work)


def main() -> None:
    app()


if __name__ == "__main__":
    main()
