"""A real bitcoind on regtest, with a wallet that stands for everybody outside the node, and a miner."""

import asyncio
import itertools
import os
import secrets
import shutil
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from node.devnet.debian import ProgramUnavailable, Say, unpack
from node.processes import Child, attempts, free_port, start_child

PACKAGE, SUITE = "bitcoin-knots", "sid"  # a maintained derivative of Bitcoin Core; Core itself is in no Debian suite
WALLET = "outside"
MATURE_BLOCKS = 110  # a coinbase can be spent after 100 blocks, so this leaves the wallet ten of 50 BTC
READY_WITHIN_S = 30.0
RPC_WITHIN_S = 60.0
STILL_LOADING = -28  # bitcoind's error code while it starts


class BitcoindError(Exception):
    """bitcoind understood and said no."""

    def __init__(self, method: str, code: int, message: str) -> None:
        self.method, self.code = method, code
        super().__init__(f"{method}: {message} ({code})")


@dataclass(frozen=True, slots=True)
class Program:
    """The words that start a bitcoind."""

    command: tuple[str, ...]


def find_bitcoind(say: Say) -> Program:
    """`COFFER_BITCOIND`, else the one on PATH, else one unpacked from Debian. Raises `ProgramUnavailable`."""
    named = os.environ.get("COFFER_BITCOIND")
    if named is not None and shutil.which(named) is None:
        raise ProgramUnavailable(f"COFFER_BITCOIND names {named}, which cannot be run")
    found = named or shutil.which("bitcoind")
    return Program((found,)) if found is not None else _unpacked(say)


def _unpacked(say: Say) -> Program:
    root = unpack(PACKAGE, suite=SUITE, say=say)
    loaders = sorted(root.glob("usr/lib*/ld-linux-*.so.*")) or sorted(root.glob("usr/lib/*/ld-linux-*.so.*"))
    if not loaders:
        raise ProgramUnavailable(f"{PACKAGE} was unpacked but brings no program loader")
    libraries = ":".join(str(folder) for folder in sorted((root / "usr/lib").glob("*-linux-gnu*")))
    return Program((str(loaders[0]), "--library-path", libraries, str(root / "usr/bin/bitcoind")))


class Bitcoind:
    """One regtest node in a folder of its own. The chain and the wallet survive `stop`; `start` goes on with them."""

    def __init__(
        self,
        folder: Path,
        program: Program,
        *,
        port: int | None = None,
        password: str | None = None,
        block_time_s: float | None = None,
    ) -> None:
        """`block_time_s` starts a miner; with None blocks come from `mine` only. Port and password are made where none are
        given; who has configured others with them gives the same again."""
        self.folder, self.program, self.block_time_s = folder, program, block_time_s
        self.port = port or free_port()
        self.user, self.password = "devnet", password or secrets.token_hex(16)
        self._ids = itertools.count(1)
        self._child: Child | None = None
        self._http: aiohttp.ClientSession | None = None
        self._miner: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._running().pid

    async def start(self) -> None:
        """Starts it, opens the wallet and mines until the wallet can pay. Raises `ChildEnded`, `NotReady`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_configuration()
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self.stop)
            command = [*self.program.command, f"-datadir={self.folder}", "-printtoconsole=0"]
            log = self.folder / "bitcoind.log"
            # SIGTERM, so that it writes its chain out also when we die: a chain that went back would contradict the books.
            self._child = start_child("bitcoind", command, log=log, on_parent_death=signal.SIGTERM)
            headers = {"Authorization": aiohttp.encode_basic_auth(self.user, self.password)}
            self._http = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=RPC_WITHIN_S))
            await self._child.ready(self._answers, READY_WITHIN_S)
            await self._open_wallet()
            await self._mature()
            if self.block_time_s is not None:
                self._miner = asyncio.create_task(self._mine_for_ever(self.block_time_s))
            undo.pop_all()

    async def _mature(self) -> None:
        missing = MATURE_BLOCKS - int(await self.rpc("getblockcount"))
        if missing > 0:
            await self.mine(missing)

    async def stop(self) -> None:
        """Ends the miner and the node; what was mined is on disk afterwards."""
        if self._miner is not None:
            self._miner.cancel()
            await asyncio.gather(self._miner, return_exceptions=True)
            self._miner = None
        if self._child is not None:
            await self._child.stop()
            self._child = None
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def kill(self) -> None:
        """Ends it as a power cut would."""
        await self._running().stop(signal.SIGKILL)
        await self.stop()

    async def rpc(self, method: str, *params: object, wallet: str | None = None) -> Any:
        """The result of one call. Raises `BitcoindError`; `aiohttp.ClientError` when nobody answers."""
        if self._http is None:
            raise RuntimeError("bitcoind is not running")
        path = f"/wallet/{wallet}" if wallet else "/"
        body = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        async with self._http.post(self.url + path, json=body) as response:
            answer = await response.json(content_type=None)
        error = answer.get("error")
        if error is not None:
            raise BitcoindError(method, error["code"], error["message"])
        return answer["result"]

    async def pay(self, address: str, amount: str) -> str:
        """Pays from the outside wallet; `amount` is a decimal string in BTC. Returns the txid."""
        return str(await self.rpc("sendtoaddress", address, amount, wallet=WALLET))

    async def new_address(self) -> str:
        """An address of the outside wallet, for withdrawals to go to."""
        return str(await self.rpc("getnewaddress", "", "bech32", wallet=WALLET))

    async def mine(self, blocks: int = 1) -> list[str]:
        """Mines at once, to the outside wallet. Returns the ids of the blocks."""
        return [str(block) for block in await self.rpc("generatetoaddress", blocks, await self.new_address())]

    async def _mine_for_ever(self, block_time_s: float) -> None:
        while True:
            await asyncio.sleep(block_time_s)
            await self.mine()

    async def _answers(self) -> bool:
        try:
            await self.rpc("getblockcount")
        except (aiohttp.ClientConnectionError, aiohttp.ContentTypeError, ValueError):
            return False
        except BitcoindError as error:
            if error.code != STILL_LOADING:
                raise
            return False
        return True

    async def _open_wallet(self) -> None:
        if WALLET in await self.rpc("listwallets"):
            return
        known = [entry["name"] for entry in (await self.rpc("listwalletdir"))["wallets"]]
        if WALLET in known:
            await self.rpc("loadwallet", WALLET)
        else:
            await self.rpc("createwallet", WALLET)

    def _write_configuration(self) -> None:
        settings = [
            "regtest=1",
            "server=1",
            "txindex=1",
            f"rpcuser={self.user}",
            f"rpcpassword={self.password}",
            "[regtest]",
            "listen=0",
            "rpcbind=127.0.0.1",
            "rpcallowip=127.0.0.1",
            f"rpcport={self.port}",
            "fallbackfee=0.00010000",
        ]
        path = self.folder / "bitcoin.conf"
        path.touch(mode=0o600)
        path.write_text("\n".join(settings) + "\n")

    def _running(self) -> Child:
        if self._child is None:
            raise RuntimeError("bitcoind is not running")
        return self._child


async def wait_for_height(bitcoind: Bitcoind, height: int, within_s: float = 30.0) -> None:
    """Returns when the chain has reached `height`. Raises `TimeoutError`."""
    async for _ in attempts(within_s):
        if int(await bitcoind.rpc("getblockcount")) >= height:
            return
    raise TimeoutError(f"height {height} was not reached in {within_s:g} s")
