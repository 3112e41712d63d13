"""`coffer asset`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, Json, beside

group = typer.Typer(help="Pause and resume assets, list tokens.", no_args_is_help=True)


@group.command("pause")
def asset_pause(symbol: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Stop everything in one asset: nothing is credited, paid or withdrawn."""
    _switch(config, symbol, reason, paused=True)


@group.command("resume")
def asset_resume(symbol: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Go on with an asset after looking into why it stopped. The reason goes on record."""
    _switch(config, symbol, reason, paused=False)


@group.command("list")
def asset_list(
    network: str,
    contract: str,
    symbol: str,
    reason: str,
    sweep_min: Annotated[str, typer.Option(help="The least sum on one address that is worth the gas of a sweep.")],
    scale: Annotated[int | None, typer.Option(help="Decimals in the ledger, where not the contract's own.")] = None,
    deposit_min: Annotated[str, typer.Option(help="Smaller deposits are dust.")] = "0",
    withdrawal_min: Annotated[str, typer.Option(help="Smaller withdrawals are refused.")] = "0",
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Propose to list a token: what its contract is on the chain is shown, and another operator approves that."""
    from node.commands.proposals import propose_on_record  # noqa: PLC0415
    from wallet.listings.draft import Wish, draft_listing  # noqa: PLC0415

    wish = Wish(network, contract, symbol, scale, deposit_min, withdrawal_min, sweep_min)
    beside(
        config,
        lambda context, _dsns: propose_on_record(
            context, lambda: draft_listing(context, wish, reason), as_json=as_json
        ),
    )


@group.command("resume-token")
def asset_resume_token(
    network: str, symbol: str, reason: str, config: ConfigFile = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    """Propose to go on with a token whose contract changed, as what it is now."""
    from node.commands.proposals import propose_on_record  # noqa: PLC0415
    from wallet.listings.draft import draft_resuming  # noqa: PLC0415

    beside(
        config,
        lambda context, _dsns: propose_on_record(
            context, lambda: draft_resuming(context, network, symbol, reason), as_json=as_json
        ),
    )


def _switch(config: Path, symbol: str, reason: str, *, paused: bool) -> None:
    from wallet.assets.pause import pause_asset, resume_asset  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        await (pause_asset if paused else resume_asset)(context, "cli", symbol, reason)
        print(f"{symbol} {'paused' if paused else 'resumed'}")
        return 0

    beside(config, work)
