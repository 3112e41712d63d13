"""The load, a process of its own: many keep-alive connections that each wait for an answer before they ask again.

It speaks just enough HTTP to be cheap, since it shares the machine with what it measures: a request is one formatted string, an
answer is its status line, one header looked for, and its length. Any answer that the load does not allow ends the run.
"""

import asyncio
import json
import random
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import cast

import uvloop

from tests.bench.callers import REFUSED_SHARE, REPLAYED_SHARE, WrongAnswer
from tests.bench.http_books import handle, secret
from tests.bench.http_server import GUARD_PATH
from tests.bench.payments import PAID_UNITS_MAX, UNCOVERED_UNITS

_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n", re.IGNORECASE)
_REPLAYED = b"\r\nIdempotent-Replayed: true\r\n"
Asked = tuple[bytes, str]  # the request, and how it must be answered


@dataclass(slots=True)
class Counted:
    accepted: int = 0
    replayed: int = 0
    refused: int = 0
    latencies_s: list[float] = field(default_factory=list)


class Payers:
    """Makes requests: payments from a customer to another's handle, with a share of retries and of refusals."""

    def __init__(self, accounts: int) -> None:
        self._accounts = accounts
        self._secrets = [secret(number) for number in range(accounts)]
        self._names, self._made = random.randbytes(8).hex(), 0
        self._earlier: bytes | None = None

    def payment(self) -> Asked:
        dice = random.random()
        if dice < REPLAYED_SHARE and self._earlier is not None:
            return self._earlier, "replayed"
        if dice > 1 - REFUSED_SHARE:
            return self._request("/v1/payments", UNCOVERED_UNITS), "refused"
        return self._request("/v1/payments", random.randint(1, PAID_UNITS_MAX)), "accepted"

    def guarded(self) -> Asked:
        return self._request(GUARD_PATH, random.randint(1, PAID_UNITS_MAX)), "accepted"

    def bare(self) -> Asked:
        """The same bytes, to a server that does nothing with them."""
        return self._request("/", random.randint(1, PAID_UNITS_MAX)), "accepted"

    def answered(self, asked: Asked) -> None:
        """What was accepted may be repeated."""
        if asked[1] == "accepted":
            self._earlier = asked[0]

    def _request(self, path: str, units: int) -> bytes:
        self._made += 1
        payer = random.randrange(self._accounts)
        payee = (payer + random.randrange(1, self._accounts)) % self._accounts
        body = f'{{"to":"@{handle(payee)}","asset":"EUR","amount":"{units // 100}.{units % 100:02}"}}'
        return (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._secrets[payer]}\r\n"
            f"Idempotency-Key: order-{self._names}-{self._made}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


class Caller(asyncio.Protocol):
    """One connection. Stops asking at the deadline; `over` is set when its last answer is there, or what went wrong."""

    def __init__(self, make: Callable[[], Asked], payers: Payers, counted: Counted, deadline: float) -> None:
        self._make, self._payers, self._counted, self._deadline = make, payers, counted, deadline
        self._received = b""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._ask()

    def _ask(self) -> None:
        self._started = perf_counter()
        if self._started >= self._deadline:
            self._transport.close()
            self.over.set_result(None)
            return
        self._asked = self._make()
        self._transport.write(self._asked[0])

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._received, 0, end + 2)
        if length is None or len(self._received) < end + 4 + int(length.group(1)):
            return
        kind = _kind(self._received[: end + 2])
        if kind != self._asked[1] and not self.over.done():
            told = self._received.decode(errors="replace")
            self.over.set_exception(WrongAnswer(f"{self._asked[1]} was wanted: {told}"))
            self._transport.close()
            return
        self._count(kind)
        self._received = b""
        self._ask()

    def _count(self, kind: str) -> None:
        self._payers.answered(self._asked)
        answered = perf_counter()
        if answered <= self._deadline:
            setattr(self._counted, kind, getattr(self._counted, kind) + 1)
            self._counted.latencies_s.append(answered - self._started)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(WrongAnswer("the server closed the connection"))


def _kind(head: bytes) -> str:
    if head.startswith((b"HTTP/1.1 201", b"HTTP/1.1 200")):
        return "replayed" if _REPLAYED in head else "accepted"
    return "refused" if head.startswith(b"HTTP/1.1 409") else "wrong"


async def run(kind: str, port: int, connections: int, seconds: int, accounts: int) -> dict[str, object]:
    loop, counted, payers = asyncio.get_running_loop(), Counted(), Payers(accounts)
    make = {"payment": payers.payment, "guard": payers.guarded, "bare": payers.bare}[kind]
    spent_s, deadline = process_time(), perf_counter() + seconds
    opened = [
        (await loop.create_connection(lambda: Caller(make, payers, counted, deadline), "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    await asyncio.gather(*(caller.over for caller in opened))
    ordered = sorted(counted.latencies_s)
    return {
        "accepted": counted.accepted,
        "replayed": counted.replayed,
        "refused": counted.refused,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
        "cpu_s": process_time() - spent_s,
    }


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(run(sys.argv[1], *map(int, sys.argv[2:])))
    sys.stdout.write(json.dumps(found) + "\n")
