"""`coffer asset`."""

from pathlib import Path
from typing import Any

import typer

from node.command_line import DEFAULT_CONFIG, ConfigFile, beside

group = typer.Typer(help="Pause and resume assets.", no_args_is_help=True)


@group.command("pause")
def asset_pause(symbol: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Stop everything in one asset: nothing is credited, paid or withdrawn."""
    _switch(config, symbol, reason, paused=True)


@group.command("resume")
def asset_resume(symbol: str, reason: str, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Go on with an asset after looking into why it stopped. The reason goes on record."""
    _switch(config, symbol, reason, paused=False)


def _switch(config: Path, symbol: str, reason: str, *, paused: bool) -> None:
    from wallet.assets.pause import pause_asset, resume_asset  # noqa: PLC0415

    async def work(context: Any, _dsns: Any) -> int:
        await (pause_asset if paused else resume_asset)(context, "cli", symbol, reason)
        print(f"{symbol} {'paused' if paused else 'resumed'}")
        return 0

    beside(config, work)
