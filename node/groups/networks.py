"""`coffer network`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside

group = typer.Typer(help="Networks: how far they are; halt and resume.", no_args_is_help=True)


@group.command("list")
def network_list(
    config: ConfigFile = DEFAULT_CONFIG,
    json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """Tip, final and scanned heights, what is behind and for how long, and the providers of each network."""
    from json import dumps  # noqa: PLC0415

    from rich.console import Console  # noqa: PLC0415

    from node.commands.status import print_networks, read_networks  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        found = await read_networks(context)
        if json:
            print(dumps(found))
        else:
            print_networks(Console(), found)
        return 0

    beside(config, work)


@group.command("halt")
def network_halt(name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Credit nothing that arrives on a network and sign nothing new for it; what was sent is followed."""
    from wallet.networks.halt import halt_network  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        done = await halt_network(context, "cli", name, reason)
        print(f"{name} is halted" if done else f"{name} was halted already")
        return 0

    beside(config, work)


@group.command("resume")
def network_resume(name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Go on with a network after looking into why it was halted. The reason goes on record."""
    from wallet.networks.halt import resume_network  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        done = await resume_network(context, "cli", name, reason)
        print(f"{name} goes on" if done else f"{name} was not halted")
        return 0

    beside(config, work)


payouts = typer.Typer(help="The contract that pays many withdrawals of a network in one tx.", no_args_is_help=True)
group.add_typer(payouts, name="payout-contract")


@payouts.command("show")
def payouts_show(name: str, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Where it is, whether it is used, and which assets go through it."""
    from node.commands.payout_contracts import print_contract  # noqa: PLC0415

    beside(config, lambda context, _dsns: print_contract(context, name, as_json=as_json))


@payouts.command("deploy")
def payouts_deploy(name: str, reason: str, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False) -> None:
    """Propose to make it, from the hot address, which will be its owner for ever. Costs gas once."""
    _propose(config, name, "deploy", None, reason, as_json=as_json)


@payouts.command("allow")
def payouts_allow(
    name: str, asset: str, reason: str, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    """Propose that withdrawals of an asset go through it. Name it in the signer's policy first."""
    _propose(config, name, "allow", asset, reason, as_json=as_json)


@payouts.command("revoke")
def payouts_revoke(
    name: str, asset: str, reason: str, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    """Propose that withdrawals of an asset are paid one by one again, and the contract may move nothing of it."""
    _propose(config, name, "revoke", asset, reason, as_json=as_json)


def _propose(config: Path, name: str, act: str, asset: str | None, reason: str, *, as_json: bool) -> None:
    from node.commands.proposals import propose_on_record  # noqa: PLC0415
    from wallet.payout_contracts.draft import draft_setup  # noqa: PLC0415
    from wallet.payout_contracts.states import Act  # noqa: PLC0415

    beside(
        config,
        lambda context, _dsns: propose_on_record(
            context, lambda: draft_setup(context, name, Act(act), asset, reason), as_json=as_json
        ),
    )
