"""JSON-RPC 2.0 over HTTP, for every chain whose node speaks it.

What this prevents: a broken, huge, slow or lying answer that reaches our books as a crash or, worse, as a fact. All that
goes wrong on the way ends as one of the closed set of `wallet.ports`; an answer is decoded into the shape that was asked
for or it is no answer. Providers keep API keys in the URL, so an error names the host and nothing else of it.

    NetworkError
    ├── NetworkUnreachable   no answer, a time-out, an answer that is too long or not of the shape asked for
    ├── NetworkRateLimited   HTTP 429, or the JSON-RPC codes for it
    └── RpcError             the node understood and answered with an error object; the adapter says what it means
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Sequence
from itertools import count, islice
from typing import Any, Generic, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

import aiohttp
import msgspec
from multidict import CIMultiDict
from yarl import URL

from chains.rpc.circuit import FAILURES_MAX, Circuit
from chains.rpc.pace import Pace
from wallet.ports import NetworkError, NetworkRateLimited, NetworkUnreachable
from wallet.ports.providers import ProviderView

ANSWER_BYTES_MAX = 64 * 1024 * 1024  # four full blocks with receipts stay under 20 MB
BATCH_CALLS_MAX = 100  # hosted providers refuse more; local nodes gain little beyond it
MESSAGE_CHARS_MAX = 300  # of an error message that a stranger wrote and an operator reads
CONNECTIONS_MAX = 32  # at once; more than one node serves well
CONNECT_WITHIN_S = 5  # IPv6 that leads nowhere is given up after a quarter of a second (RFC 8305)
_RATE_LIMIT_CODES = frozenset({429, -32005, -32029})  # EIP-1474's "limit exceeded" and what providers use beside it

T = TypeVar("T")
Call = tuple[str, Sequence[object]]
"""A method's name and its positional parameters."""


class RpcError(NetworkError):
    """The node's own error object. Asking again is harmless for what reads; what sends must judge code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} (code {code})")
        self.code = code
        self.message = message


class _Fault(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Request(msgspec.Struct):
    jsonrpc: str
    id: int
    method: str
    params: Sequence[object]


class _Answer(msgspec.Struct):
    """Of any shape, an error too."""

    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Fault | None = None


class _Result(msgspec.Struct, Generic[T]):
    """Of the shape that was asked for, decoded in one go."""

    id: int
    result: T
    error: None = None


class _Shape(Generic[T]):
    """How answers of one shape are decoded: at once, as results; or one by one, where something else may be among them."""

    def __init__(self, shape: Any) -> None:
        self.result: msgspec.json.Decoder[T] = msgspec.json.Decoder(shape)
        self.one: msgspec.json.Decoder[_Result[T]] = msgspec.json.Decoder(_Result[shape])
        self.many: msgspec.json.Decoder[list[_Result[T]]] = msgspec.json.Decoder(list[_Result[shape]])


class JsonRpc:
    """One endpoint. Make it anywhere, use it in one event loop, `close` it at the end.

    `credentials` gives user and password at each request, since a bitcoind writes a new cookie at every start; where
    the URL carries them itself it may be None. Results are decoded by msgspec into `shape`; pass `msgspec.Raw` to
    decode later.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: int = 20,
        credentials: Callable[[], tuple[str, str]] | None = None,
        answer_bytes_max: int = ANSWER_BYTES_MAX,
        batch_calls_max: int = BATCH_CALLS_MAX,
        calls_per_s: int | None = None,
        failures_max: int = FAILURES_MAX,
    ) -> None:
        bare, self.host, own_credentials = _split_url(url)
        self._url = URL(bare)
        self._own_headers = _headers(own_credentials)
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._answer_bytes_max = answer_bytes_max
        self._batch_calls_max = batch_calls_max
        self._pace = Pace(calls_per_s)
        self._circuit = Circuit(_now_ms, failures_max)
        self._failure: str | None = None
        self._ids = count(1)
        self._reading_bytes = 0
        self._session: aiohttp.ClientSession | None = None

    def view(self) -> ProviderView:
        return ProviderView(self.host, self._circuit.state, error=self._failure)

    async def call(self, method: str, params: Sequence[object], shape: type[T]) -> T:
        """The result, which must be there. Raises `RpcError`, `NetworkUnreachable`, `NetworkRateLimited`."""
        (result,) = await self._ask([(method, params)], _shape(shape))
        return result

    async def find(self, method: str, params: Sequence[object], shape: type[T]) -> T | None:
        """The result, or None where the node answers null: it does not know what we asked for."""
        (result,) = await self._ask([(method, params)], _optional_shape(shape))
        return result

    async def batch(self, calls: Sequence[Call], shape: type[T]) -> list[T]:
        """The results of all calls in their order, in as few requests as allowed. The first error is raised for all."""
        return await self._ask(calls, _shape(shape))

    async def batch_find(self, calls: Sequence[Call], shape: type[T]) -> list[T | None]:
        """As `batch`, with None for each null."""
        return await self._ask(calls, _optional_shape(shape))

    async def batch_outcomes(self, calls: Sequence[Call], shape: type[T]) -> list[T | RpcError]:
        """As `batch`, with each call's own error in its place: for questions that may rightly be refused one by one."""
        return [outcome for part in self._parts(calls) for outcome in await self._outcomes(part, _shape(shape))]

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _parts(self, calls: Sequence[Call]) -> list[Sequence[Call]]:
        size = self._batch_calls_max
        return [calls[start : start + size] for start in range(0, len(calls), size)]

    async def _ask(self, calls: Sequence[Call], shape: _Shape[T]) -> list[T]:
        results: list[T] = []
        for part in self._parts(calls):
            for outcome in await self._outcomes(part, shape):
                if isinstance(outcome, RpcError):
                    raise outcome
                results.append(outcome)
        return results

    async def _outcomes(self, calls: Sequence[Call], shape: _Shape[T]) -> list[T | RpcError]:
        """One HTTP request for these calls, and the outcome of each in the order asked. What is no answer to it counts
        as a failure of the provider; an error object is an answer."""
        self._circuit.enter(self.host)
        answered, asked_pause_ms = False, None
        try:
            await self._pace.turn(len(calls))
            ids = list(islice(self._ids, len(calls)))
            body = await self._post(_request(ids, calls))
            outcomes = self._read_all(body, ids, shape) or self._read_each(body, ids, calls, shape)
            answered = True
        except RpcError:
            answered = True  # to the whole request
            raise
        except NetworkRateLimited as limited:
            asked_pause_ms = limited.pause_ms
            raise
        except NetworkUnreachable as failure:
            self._failure = str(failure)
            raise
        finally:
            if answered:
                self._circuit.answered()
                self._failure = None
            else:
                self._circuit.failed(asked_pause_ms)
        return outcomes

    def _read_all(self, body: bytes, ids: Sequence[int], shape: _Shape[T]) -> list[T | RpcError] | None:
        """None unless all are results of the shape, in the order asked: so nearly always."""
        try:
            answers = [shape.one.decode(body)] if len(ids) == 1 else shape.many.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return [answer.result for answer in answers] if [answer.id for answer in answers] == ids else None

    def _read_each(
        self, body: bytes, ids: Sequence[int], calls: Sequence[Call], shape: _Shape[T]
    ) -> list[T | RpcError]:
        """Each call's answer, which is there once; results of another shape are no answers."""
        answers = self._answers(body)
        by_id = {answer.id: answer for answer in answers}
        if len(answers) == 1 and answers[0].id is None and (error := self._fault(answers[0])):
            raise error  # the whole request was refused
        if len(answers) != len(ids) or by_id.keys() != set(ids):
            raise NetworkUnreachable(f"{self.host}: the answers do not belong to the questions")
        return [
            self._fault(by_id[number]) or self._decode(by_id[number].result, shape.result, call[0])
            for number, call in zip(ids, calls, strict=True)
        ]

    def _answers(self, body: bytes) -> list[_Answer]:
        if not body[:64].lstrip().startswith(b"["):
            return [self._decode(body, _ANSWER, "an answer")]
        return self._decode(body, _ANSWERS, "a batch")

    async def _post(self, body: bytes) -> bytes:
        failed: str
        try:
            async with self._opened().post(
                self._url, data=body, headers=self._headers(), allow_redirects=False
            ) as response:
                self._check_status(response)
                body = await self._read(response)
                if response.status == 200 or body[:64].lstrip().startswith((b"{", b"[")):
                    return body
                failed = f"HTTP {response.status}"
        except TimeoutError:
            failed = f"no answer within {self._timeout_s} s"
        except (aiohttp.ClientError, OSError) as error:
            failed = type(error).__name__  # its text may hold the URL
        raise NetworkUnreachable(f"{self.host}: {failed}")

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept"),
                timeout=aiohttp.ClientTimeout(
                    total=self._timeout_s, sock_connect=min(CONNECT_WITHIN_S, self._timeout_s)
                ),
            )
        return self._session

    def _headers(self) -> CIMultiDict[str]:
        return _headers(self._credentials()) if self._credentials else self._own_headers

    def _check_status(self, response: aiohttp.ClientResponse) -> None:
        """JSON-RPC errors may travel under 400, 404 and 500 (bitcoind does so): their body decides."""
        status = response.status
        if status == 429:
            raise NetworkRateLimited(f"{self.host}: HTTP 429", pause_ms=_asked_pause_ms(response))
        if status not in {200, 400, 404, 500}:
            raise NetworkUnreachable(f"{self.host}: HTTP {status}")

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """Bounded for one answer, and at twice that for all that are being read: also when it was compressed."""
        parts = bytearray()
        try:
            async for chunk in response.content.iter_any():
                parts += chunk
                self._reading_bytes += len(chunk)
                if len(parts) > self._answer_bytes_max or self._reading_bytes > 2 * self._answer_bytes_max:
                    raise NetworkUnreachable(f"{self.host}: an answer of more than {self._answer_bytes_max} bytes")
            return bytes(parts)
        finally:
            self._reading_bytes -= len(parts)

    def _decode(self, body: bytes | msgspec.Raw, decoder: "msgspec.json.Decoder[T]", subject: str) -> T:
        try:
            return decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NetworkUnreachable(f"{self.host}: {subject} is malformed") from error

    def _fault(self, answer: _Answer) -> RpcError | None:
        if answer.error is None:
            return None
        if answer.error.code in _RATE_LIMIT_CODES:
            raise NetworkRateLimited(f"{self.host}: code {answer.error.code}", pause_ms=0)
        return RpcError(answer.error.code, _legible(answer.error.message))


_ANSWER = msgspec.json.Decoder(_Answer)
_ANSWERS = msgspec.json.Decoder(list[_Answer])
_ENCODER = msgspec.json.Encoder()
_SHAPES: dict[object, _Shape[Any]] = {}  # one for each shape that the adapters name: a few dozen
_OPTIONAL_SHAPES: dict[object, _Shape[Any]] = {}


def _shape(shape: type[T]) -> _Shape[T]:
    return _SHAPES.get(shape) or _SHAPES.setdefault(shape, _Shape(shape))


def _optional_shape(shape: type[T]) -> _Shape[T | None]:
    return _OPTIONAL_SHAPES.get(shape) or _OPTIONAL_SHAPES.setdefault(shape, _Shape(shape | None))


def _request(ids: Sequence[int], calls: Sequence[Call]) -> bytes:
    requests = [_Request("2.0", number, method, params) for number, (method, params) in zip(ids, calls, strict=True)]
    return _ENCODER.encode(requests[0] if len(requests) == 1 else requests)


def _headers(credentials: tuple[str, str] | None) -> CIMultiDict[str]:
    headers = CIMultiDict({"Content-Type": "application/json"})
    if credentials is not None:
        headers["Authorization"] = "Basic " + b64encode(":".join(credentials).encode()).decode()
    return headers


def _asked_pause_ms(response: aiohttp.ClientResponse) -> int:
    """Retry-After in seconds (RFC 9110, 10.2.3); its other form, a date, counts as none."""
    text = response.headers.get("Retry-After", "")
    return int(text) * 1_000 if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1_000)


def _legible(message: str) -> str:
    """One line of bounded length: the text comes from outside and goes into logs and terminals."""
    return "".join(letter if letter.isprintable() else " " for letter in message[:MESSAGE_CHARS_MAX])


def url_host(url: str) -> str:
    """Host and port: all of a provider's URL that is ever shown. Raises `ValueError` for what is no URL of http."""
    return _split_url(url)[1]


def url_credentials(url: str) -> tuple[str, str] | None:
    """User and password that stand in a URL."""
    return _split_url(url)[2]


def _split_url(url: str) -> tuple[str, str, tuple[str, str] | None]:
    """The URL without user and password, its host and port for error messages, and the credentials it carried.

    Raises `ValueError` for anything but http and https; the message never repeats the URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("a node's URL starts with http:// or https:// and names a host")
    credentials = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    return bare, parts.netloc.rpartition("@")[2], credentials
