"""`coffer devnet`: the development networks as a process of their own, so that a node can be stopped and killed beside them."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from node.devnet.networks import how_to_pay_in, run_devnet, write_configuration

Say = Callable[[str], None]


async def run_devnet_command(folder: Path, listen: str, say: Say) -> int:
    """`folder` is absolute. Until SIGTERM or Ctrl-C. The chains go on where they stood at the next start."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with run_devnet(folder, say) as devnet:
        config = write_configuration(devnet, folder / "node", listen)
        for line in how_to_pay_in(devnet):
            say(line)
        say("the networks run; in another terminal:")
        print(f"coffer run --config {config}", flush=True)  # noqa: T201 (what the command is for)
        await stop.wait()
        say("stopping; the chains are kept")
    return 0
