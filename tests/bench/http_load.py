"""The load, a process of its own: many keep-alive connections that each wait for an answer before they ask again.

It speaks just enough HTTP to be cheap, since it shares the machine with what it measures: requests are made before the clock
starts, an answer is its status line, one header looked for, and its length. Any answer that the load does not allow ends the
run. A batch is one request and counts as its items.
"""

import asyncio
import gc
import json
import random
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from time import perf_counter, process_time
from typing import cast

import uvloop

from tests.bench.callers import REFUSED_SHARE, REPLAYED_SHARE, WrongAnswer
from tests.bench.http_books import handle, secret
from tests.bench.http_server import GUARD_PATH
from tests.bench.payments import PAID_UNITS_MAX, UNCOVERED_UNITS

BATCH_ITEMS = 100
PREPARED_PER_S = {
    "payment": 8_000,
    "guard": 16_000,
    "bare": 30_000,
    "batch": 200,
}  # beyond these they are made as they go
TOLD_BYTES = 2_000  # of an answer that was not allowed
_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n", re.IGNORECASE)
_REPLAYED = b"\r\nIdempotent-Replayed: true\r\n"
_PAID, _UNCOVERED = b'"status":201', b'"code":"insufficient_funds"'


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, how it must be answered, and in a batch how many of its items must be accepted and refused."""

    sent: bytes
    kind: str
    items: int = 1
    uncovered: int = 0


@dataclass(slots=True)
class Counted:
    accepted: int = 0
    replayed: int = 0
    refused: int = 0
    latencies_s: list[float] = field(default_factory=list)

    def add(self, asked: Asked) -> None:
        """A batch's items that were refused are neither accepted nor replayed, also when the batch comes again."""
        kept = asked.items - asked.uncovered
        self.accepted += kept if asked.kind == "accepted" else 0
        self.replayed += kept if asked.kind == "replayed" else 0
        self.refused += asked.uncovered + (asked.kind == "refused")


class Payers:
    """Makes requests: payments from a customer to another's handle, with a share of retries and of refusals."""

    def __init__(self, accounts: int) -> None:
        self._accounts = accounts
        self._secrets = [secret(number) for number in range(accounts)]
        self._names, self._made = random.randbytes(8).hex(), 0

    def payment(self) -> Asked:
        if (dice := random.random()) < REPLAYED_SHARE:
            return _AGAIN
        if dice > 1 - REFUSED_SHARE:
            payer = self._payer()
            return Asked(self._request("/v1/payments", self._content(payer, UNCOVERED_UNITS), payer), "refused")
        return self._accepted("/v1/payments")

    def guarded(self) -> Asked:
        return self._accepted(GUARD_PATH)

    def bare(self) -> Asked:
        """The same bytes, to a server that does nothing with them."""
        return self._accepted("/")

    def batch(self) -> Asked:
        """A hundred payments of one payer to others; retries are of whole batches, refusals among the items."""
        if random.random() < REPLAYED_SHARE:
            return _AGAIN
        payer, uncovered = self._payer(), sum(random.random() < REFUSED_SHARE for _ in range(BATCH_ITEMS))
        units = [UNCOVERED_UNITS] * uncovered + [_few_units() for _ in range(BATCH_ITEMS - uncovered)]
        items = [f'{{"key":"{self._name()}",{self._content(payer, one)[1:]}' for one in units]
        body = f'{{"items":[{",".join(items)}]}}'
        return Asked(self._request("/v1/payments/batch", body, payer), "accepted", BATCH_ITEMS, uncovered)

    def _accepted(self, path: str) -> Asked:
        payer = self._payer()
        return Asked(self._request(path, self._content(payer, _few_units()), payer), "accepted")

    def _payer(self) -> int:
        return random.randrange(self._accounts)

    def _name(self) -> str:
        self._made += 1
        return f"order-{self._names}-{self._made}"

    def _content(self, payer: int, units: int) -> str:
        payee = (payer + random.randrange(1, self._accounts)) % self._accounts
        return f'{{"to":"@{handle(payee)}","asset":"EUR","amount":"{units // 100}.{units % 100:02}"}}'

    def _request(self, path: str, body: str, payer: int) -> bytes:
        return (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self._secrets[payer]}\r\n"
            f"Idempotency-Key: {self._name()}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


_AGAIN = Asked(b"", "replayed")  # whatever was accepted last


def _few_units() -> int:
    return random.randint(1, PAID_UNITS_MAX)


class Asking:
    """What is asked next: out of what was prepared, or made now; a retry repeats what was accepted last."""

    def __init__(self, make: Callable[[], Asked], prepared: int) -> None:
        self._make, self._prepared = make, [make() for _ in range(prepared)]
        self._accepted: Asked | None = None

    def next(self) -> Asked:
        asked = self._prepared.pop() if self._prepared else self._make()
        if asked is not _AGAIN:
            return asked
        return self.next() if self._accepted is None else replace(self._accepted, kind="replayed")

    def accepted(self, asked: Asked) -> None:
        self._accepted = asked


class Caller(asyncio.Protocol):
    """One connection. Stops asking at the deadline; `over` is set when its last answer is there, or what went wrong."""

    def __init__(self, asking: Asking, counted: Counted, deadline: float) -> None:
        self._asking, self._counted, self._deadline = asking, counted, deadline
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
        self._asked = self._asking.next()
        self._transport.write(self._asked.sent)

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._received, 0, end + 2)
        if length is None or len(self._received) < end + 4 + int(length.group(1)):
            return
        if not _is_answered(self._asked, self._received, end + 2) and not self.over.done():
            told = self._received[:TOLD_BYTES].decode(errors="replace")
            self.over.set_exception(WrongAnswer(f"{self._asked.kind} was wanted: {told}"))
            self._transport.close()
            return
        self._count(self._asked)
        self._received = b""
        self._ask()

    def _count(self, asked: Asked) -> None:
        if asked.kind == "accepted":
            self._asking.accepted(asked)
        answered = perf_counter()
        if answered <= self._deadline:
            self._counted.add(asked)
            self._counted.latencies_s.append(answered - self._started)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.over.done():
            self.over.set_exception(WrongAnswer("the server closed the connection"))


def _is_answered(asked: Asked, received: bytes, head: int) -> bool:
    if asked.kind == "refused":
        return received.startswith(b"HTTP/1.1 409")
    if not received.startswith((b"HTTP/1.1 201", b"HTTP/1.1 200")):
        return False
    if (_REPLAYED in received[:head]) != (asked.kind == "replayed"):
        return False
    accepted = asked.items - asked.uncovered
    return asked.items == 1 or (received.count(_PAID), received.count(_UNCOVERED)) == (accepted, asked.uncovered)


async def run(kind: str, port: int, connections: int, seconds: int, accounts: int) -> dict[str, object]:
    loop, counted, payers = asyncio.get_running_loop(), Counted(), Payers(accounts)
    makers = {"payment": payers.payment, "guard": payers.guarded, "bare": payers.bare, "batch": payers.batch}
    asking = Asking(makers[kind], PREPARED_PER_S[kind] * seconds)
    gc.freeze()
    spent_s, deadline = process_time(), perf_counter() + seconds
    opened = [
        (await loop.create_connection(lambda: Caller(asking, counted, deadline), "127.0.0.1", port))[1]
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
