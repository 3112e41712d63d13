"""anvil: an Ethereum chain on this machine, with ten accounts of 10,000 ETH that stand for everybody outside the node."""

import itertools
import os
import shutil
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from node.devnet.debian import ProgramUnavailable
from node.processes import Child, attempts, free_port, start_child

CHAIN_ID = 31337  # anvil's own default, used by no real network
READY_WITHIN_S = 20.0
RPC_WITHIN_S = 60.0
STATE_EVERY_S = 2  # what a kill can lose of the chain's state
_IN_PROJECT = Path(__file__).parents[2] / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"


class AnvilError(Exception):
    """anvil understood and said no."""

    def __init__(self, method: str, code: int, message: str) -> None:
        self.method, self.code = method, code
        super().__init__(f"{method}: {message} ({code})")


def find_anvil() -> Path:
    """`COFFER_ANVIL`, else the one on PATH, else the one that npm put into the project. Raises `ProgramUnavailable`."""
    named = os.environ.get("COFFER_ANVIL")
    if named is not None and shutil.which(named) is None:
        raise ProgramUnavailable(f"COFFER_ANVIL names {named}, which cannot be run")
    found = named or shutil.which("anvil") or shutil.which(_IN_PROJECT)
    if found is None:
        raise ProgramUnavailable("anvil is not on this machine: run `make setup`, or name it with COFFER_ANVIL")
    return Path(found)


class Anvil:
    """One chain. With a `state` file the chain survives `stop`; `start` goes on with it."""

    def __init__(
        self,
        folder: Path,
        program: Path,
        *,
        port: int | None = None,
        block_time_s: int | None = None,
        slots_in_an_epoch: int = 1,
        state: bool = True,
        chain_id: int = CHAIN_ID,
    ) -> None:
        """`block_time_s` None mines a block for each tx. Two epochs behind the tip is `finalized`, one is `safe`."""
        self.folder, self.program, self.block_time_s = folder, program, block_time_s
        self.slots_in_an_epoch, self.state, self.chain_id = slots_in_an_epoch, state, chain_id
        self.port = port or free_port()
        self._ids = itertools.count(1)
        self._child: Child | None = None
        self._http: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._running().pid

    async def start(self) -> None:
        """Starts it and waits for the first answer. Raises `ChildEnded`, `NotReady`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self.stop)
            log = self.folder / "anvil.log"
            # SIGINT is where anvil writes its chain out, also when we die.
            self._child = start_child("anvil", self._command(), log=log, on_parent_death=signal.SIGINT)
            self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=RPC_WITHIN_S))
            await self._child.ready(self._answers, READY_WITHIN_S)
            undo.pop_all()

    async def stop(self) -> None:
        """Ends it; with a state file the chain is on disk afterwards."""
        if self._child is not None:
            await self._child.stop(signal.SIGINT)
            self._child = None
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def kill(self) -> None:
        """Ends it as a power cut would."""
        await self._running().stop(signal.SIGKILL)
        await self.stop()

    async def rpc(self, method: str, *params: object) -> Any:
        """The result of one call. Raises `AnvilError`; `aiohttp.ClientError` when nobody answers."""
        if self._http is None:
            raise RuntimeError("anvil is not running")
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        async with self._http.post(self.url, json=body) as response:
            answer = await response.json(content_type=None)
        error = answer.get("error")
        if error is not None:
            raise AnvilError(method, error["code"], error["message"])
        return answer["result"]

    async def mine(self, blocks: int = 1) -> None:
        await self.rpc("anvil_mine", hex(blocks))

    async def accounts(self) -> list[str]:
        """The unlocked accounts: `eth_sendTransaction` from them needs no key."""
        return [str(address) for address in await self.rpc("eth_accounts")]

    async def pay(self, address: str, wei: int, account: int = 0) -> str:
        """Pays from an account outside the node. Returns the tx hash."""
        sender = (await self.accounts())[account]
        return str(await self.rpc("eth_sendTransaction", {"from": sender, "to": address, "value": hex(wei)}))

    async def receipt(self, tx: str, within_s: float = 10.0) -> Any:
        """The receipt, once there is one: anvil mines a moment after it has accepted. Raises `TimeoutError`."""
        async for _ in attempts(within_s):
            found = await self.rpc("eth_getTransactionReceipt", tx)
            if found is not None:
                return found
        raise TimeoutError(f"{tx} was not included in {within_s:g} s")

    async def _answers(self) -> bool:
        try:
            return int(await self.rpc("eth_chainId"), 16) == self.chain_id
        except aiohttp.ClientConnectionError:
            return False

    def _command(self) -> list[str]:
        words = [str(self.program), "--host", "127.0.0.1", "--port", str(self.port), "--chain-id", str(self.chain_id)]
        words += ["--slots-in-an-epoch", str(self.slots_in_an_epoch), "--quiet"]
        if self.block_time_s is not None:
            words += ["--block-time", str(self.block_time_s)]
        if self.state:
            words += ["--state", str(self.folder / "state.json"), "--state-interval", str(STATE_EVERY_S)]
            words += ["--preserve-historical-states"]  # or balances at older blocks are gone after a restart
        return words

    def _running(self) -> Child:
        if self._child is None:
            raise RuntimeError("anvil is not running")
        return self._child
