"""What the tour plays on: the development networks, a node in a process of its own, an operator with a key."""

import asyncio
import contextlib
import fcntl
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from node.compose import compose_beside, look_at_database
from node.config import read_config
from node.demo.client import ApiClient
from node.devnet.networks import Devnet, run_devnet, write_configuration
from node.processes import free_port, start_child
from wallet.access.keys import OPERATOR_SCOPES, create_key, create_operator
from wallet.context import Context
from wallet.treasury.sources import house_address

READY_WITHIN_S = 60.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stage:
    """`beside` is a context on the node's database, as the command line uses it."""

    devnet: Devnet
    config: Path
    operator: ApiClient = field(repr=False)
    beside: Context
    books_dsn: str = field(repr=False)

    async def funding_address(self, network: str) -> str:
        return (await house_address(self.beside, self.beside.network(network).id)).address


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for one demo, gone when it ends. What a killed demo left is removed by the next one."""
    home = Path(".coffer").absolute()
    home.mkdir(exist_ok=True)
    for left in home.glob("demo-*"):
        _remove_unless_used(left)
    place = Path(tempfile.mkdtemp(prefix="demo-", dir=home))
    with (place / ".in-use").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _remove_unless_used(left: Path) -> None:
    with contextlib.suppress(OSError), (left / ".in-use").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(left, ignore_errors=True)


@asynccontextmanager
async def set_stage(folder: Path, say: Say) -> AsyncIterator[Stage]:
    """Everything runs when the block begins, and has ended when it does."""
    async with run_devnet(folder / "devnet", say) as devnet:
        listen = f"127.0.0.1:{free_port()}"
        config_file = write_configuration(devnet, folder / "node", listen)
        config = read_config(config_file)
        async with (
            _node_process(config_file, folder, f"http://{listen}", say) as url,
            aiohttp.ClientSession() as http,
            look_at_database(config) as dsns,
            compose_beside(config, dsns) as beside,
        ):
            secret = await _operator(beside)
            yield Stage(devnet, config_file, ApiClient(http, url, secret), beside, dsns.books)


@asynccontextmanager
async def _node_process(config: Path, folder: Path, url: str, say: Say) -> AsyncIterator[str]:
    say("starting the node: PostgreSQL, signer, API, workers")
    command = [sys.executable, "-m", "node", "run", "--config", str(config)]
    child = start_child("node", command, log=folder / "node-output.log")

    async def answers() -> bool:
        try:
            async with aiohttp.ClientSession() as http, http.get(url + "/ready") as response:
                return response.status == 200
        except aiohttp.ClientError:
            return False

    try:
        await child.ready(answers, READY_WITHIN_S)
        say(f"the node is ready on {url}")
        yield url
    finally:
        await asyncio.shield(child.stop())


async def _operator(context: Context) -> str:
    made = await create_operator(context, "demo", "operator")
    _, secret = await create_key(context, "demo", str(made.result["id"]), OPERATOR_SCOPES, "demo")
    if secret is None:
        raise RuntimeError("a new key has a secret")
    return secret
