"""What every command shares: its options, its one line for what it refuses, the database that it works on."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from node.config import Config, ConfigRefused, read_config

ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", envvar="COFFER_CONFIG", help="The node's configuration file.")
]
DEFAULT_CONFIG = Path("coffer.toml")
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def say(line: str) -> None:
    """Progress goes to standard error, results to standard output."""
    sys.stderr.write(f"coffer: {line}\n")
    sys.stderr.flush()


def counted(count: int, noun: str) -> str:
    """For people: `1 movement`, `2,000 movements`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def at_config(file: Path) -> Config:
    try:
        return read_config(file)
    except ConfigRefused as refused:
        say(str(refused))
        raise typer.Exit(2) from None


def finish(work: Awaitable[int]) -> None:
    """Run it; what it refuses is one line and exit status 1."""
    import uvloop  # noqa: PLC0415 (so that --help answers at once)

    from node.failures import EXPECTED  # noqa: PLC0415

    async def await_it() -> int:
        return await work

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            status = runner.run(await_it())
    except EXPECTED as error:
        say(f"{error}" or type(error).__name__)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(status)


def do(config: Path, act: Callable[[Any], Awaitable[object]], done: str) -> None:
    async def work(context: Any, _dsns: Any) -> int:
        await act(context)
        print(done)  # noqa: T201 (a command's result)
        return 0

    beside(config, work)


def beside(file: Path, work: Callable[[Any, Any], Awaitable[int]]) -> None:
    """A command beside a running node, or on the database of a stopped one."""
    from node.compose import compose_beside, look_at_database  # noqa: PLC0415
    from node.logs import write_logs  # noqa: PLC0415

    config = at_config(file)

    async def run_it() -> int:
        async with look_at_database(config) as dsns, compose_beside(config, dsns) as context:
            write_logs(config.folder / "command.log")
            return await work(context, dsns)

    finish(run_it())
