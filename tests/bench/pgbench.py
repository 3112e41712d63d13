"""pgbench's TPC-B: the common yardstick. One small payment per transaction, one commit each, as fast as the server can."""

import asyncio
import re
from dataclasses import dataclass

from node.database import binary

CLIENTS = (8, 32, 128)
THREADS = 2
_TPS = re.compile(r"^tps = ([0-9.]+) \(without initial connection time\)$", re.MULTILINE)
_LATENCY = re.compile(r"^latency average = ([0-9.]+) ms$", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: ([0-9]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Speed:
    """Transactions a second, and their mean latency."""

    per_s: float
    mean_ms: float

    def figures(self) -> dict[str, float]:
        return {"per_s": self.per_s, "mean_ms": self.mean_ms}

    def told(self) -> str:
        return f"{self.per_s:8,.0f}/s  mean {self.mean_ms:.1f} ms"


async def initialise(dsn: str, scale: int) -> None:
    await _run("--initialize", "--quiet", "--scale", str(scale), dsn)


async def run_tpc_b(dsn: str, clients: int, seconds: int) -> Speed:
    """The built-in script, prepared statements, over the same Unix socket as the Journal's connection."""
    options = ["--protocol", "prepared", "--jobs", str(THREADS), "--client", str(clients), "--time", str(seconds)]
    told = await _run("--builtin", "tpcb-like", "--no-vacuum", *options, dsn)
    speed, latency, failed = _TPS.search(told), _LATENCY.search(told), _FAILED.search(told)
    if speed is None or latency is None or failed is None or failed.group(1) != "0":
        raise RuntimeError(f"pgbench did not measure; is the slice too short? {told}")
    return Speed(float(speed.group(1)), float(latency.group(1)))


async def _run(*options: str) -> str:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(str(binary("pgbench")), *options, stdout=pipe, stderr=pipe)
    told, complaints = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"pgbench failed: {complaints.decode(errors='replace')[-500:]}")
    return told.decode()


async def run_for_figures(dsn: str, clients: int, seconds: int) -> dict[str, float]:
    return (await run_tpc_b(dsn, clients, seconds)).figures()
