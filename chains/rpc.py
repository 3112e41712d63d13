"""JSON-RPC 2.0 over HTTP, for every chain whose node speaks it.

What this prevents: a broken, huge, slow or lying answer that reaches our books as a crash or, worse, as a fact. All that
goes wrong on the way ends as one of the closed set of `wallet.ports`; an answer is decoded into the shape that was asked
for or it is no answer. Providers keep API keys in the URL, so an error names the host and nothing else of it.

    NetworkError
    ├── NetworkUnreachable   no answer, a time-out, an answer that is too long or not of the shape asked for
    ├── NetworkRateLimited   HTTP 429, or the JSON-RPC codes for it
    └── RpcError             the node understood and answered with an error object; the adapter says what it means
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from itertools import count, islice
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

import aiohttp
import msgspec

from wallet.ports import NetworkError, NetworkRateLimited, NetworkUnreachable

ANSWER_BYTES_MAX = 64 * 1024 * 1024  # four full blocks with receipts stay under 20 MB
BATCH_CALLS_MAX = 100  # hosted providers refuse more; local nodes gain little beyond it
MESSAGE_CHARS_MAX = 300  # of an error message that a stranger wrote and an operator reads
_CHUNK_BYTES = 256 * 1024
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


class _Answer(msgspec.Struct):
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Fault | None = None


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
    ) -> None:
        self._url, self._host, self._own_credentials = _split_url(url)
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._answer_bytes_max = answer_bytes_max
        self._batch_calls_max = batch_calls_max
        self._ids = count(1)
        self._session: aiohttp.ClientSession | None = None

    async def call(self, method: str, params: Sequence[object], shape: type[T]) -> T:
        """The result, which must be there. Raises `RpcError`, `NetworkUnreachable`, `NetworkRateLimited`."""
        (raw,) = await self._ask([(method, params)])
        return self._decode(raw, _decoder(shape), method)

    async def find(self, method: str, params: Sequence[object], shape: type[T]) -> T | None:
        """The result, or None where the node answers null: it does not know what we asked for."""
        (raw,) = await self._ask([(method, params)])
        return self._decode(raw, _optional_decoder(shape), method)

    async def batch(self, calls: Sequence[Call], shape: type[T]) -> list[T]:
        """The results of all calls in their order, in as few requests as allowed. The first error is raised for all."""
        decoder = _decoder(shape)
        raws = await self._ask(calls)
        return [self._decode(raw, decoder, call[0]) for raw, call in zip(raws, calls, strict=True)]

    async def batch_find(self, calls: Sequence[Call], shape: type[T]) -> list[T | None]:
        """As `batch`, with None for each null."""
        decoder = _optional_decoder(shape)
        raws = await self._ask(calls)
        return [self._decode(raw, decoder, call[0]) for raw, call in zip(raws, calls, strict=True)]

    async def batch_outcomes(self, calls: Sequence[Call], shape: type[T]) -> list[T | RpcError]:
        """As `batch`, with each call's own error in its place: for questions that may rightly be refused one by one."""
        decoder = _decoder(shape)
        return [
            self._fault(answer) or self._decode(answer.result, decoder, call[0])
            for answer, call in zip(await self._exchange_all(calls), calls, strict=True)
        ]

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, calls: Sequence[Call]) -> list[msgspec.Raw]:
        answers = await self._exchange_all(calls)
        for answer in answers:
            if error := self._fault(answer):
                raise error
        return [answer.result for answer in answers]

    async def _exchange_all(self, calls: Sequence[Call]) -> list[_Answer]:
        size = self._batch_calls_max
        parts = [calls[start : start + size] for start in range(0, len(calls), size)]
        return [answer for part in parts for answer in await self._exchange(part)]

    async def _exchange(self, calls: Sequence[Call]) -> list[_Answer]:
        """One HTTP request for these calls; their answers in the order asked, each there once."""
        ids = list(islice(self._ids, len(calls)))
        requests = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
            for number, (method, params) in zip(ids, calls, strict=True)
        ]
        body = await self._post(msgspec.json.encode(requests[0] if len(requests) == 1 else requests))
        answers = self._answers(body)
        by_id = {answer.id: answer for answer in answers}
        if len(answers) == 1 and answers[0].id is None and (error := self._fault(answers[0])):
            raise error  # the whole request was refused
        if len(answers) != len(ids) or by_id.keys() != set(ids):
            raise NetworkUnreachable(f"{self._host}: the answers do not belong to the questions")
        return [by_id[number] for number in ids]

    def _answers(self, body: bytes) -> list[_Answer]:
        if not body[:64].lstrip().startswith(b"["):
            return [self._decode(body, _ANSWER, "an answer")]
        return self._decode(body, _ANSWERS, "a batch")

    async def _post(self, body: bytes) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._timeout_s))
        failed: str
        try:
            async with self._session.post(
                self._url, data=body, headers=self._headers(), allow_redirects=False
            ) as response:
                self._check_status(response.status)
                body = await self._read(response)
                if response.status == 200 or body[:64].lstrip().startswith((b"{", b"[")):
                    return body
                failed = f"HTTP {response.status}"
        except TimeoutError:
            failed = f"no answer within {self._timeout_s} s"
        except (aiohttp.ClientError, OSError) as error:
            failed = type(error).__name__  # its text may hold the URL
        raise NetworkUnreachable(f"{self._host}: {failed}")

    def _headers(self) -> dict[str, str]:
        pair = self._credentials() if self._credentials else self._own_credentials
        headers = {"Content-Type": "application/json"}
        if pair is not None:
            headers["Authorization"] = "Basic " + b64encode(f"{pair[0]}:{pair[1]}".encode()).decode()
        return headers

    def _check_status(self, status: int) -> None:
        """JSON-RPC errors may travel under 400, 404 and 500 (bitcoind does so): their body decides."""
        if status == 429:
            raise NetworkRateLimited(f"{self._host}: HTTP 429")
        if status not in {200, 400, 404, 500}:
            raise NetworkUnreachable(f"{self._host}: HTTP {status}")

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        parts = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            parts += chunk
            if len(parts) > self._answer_bytes_max:
                raise NetworkUnreachable(f"{self._host}: an answer of more than {self._answer_bytes_max} bytes")
        return bytes(parts)

    def _decode(self, body: bytes | msgspec.Raw, decoder: "msgspec.json.Decoder[T]", subject: str) -> T:
        try:
            return decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise NetworkUnreachable(f"{self._host}: {subject} is malformed") from error

    def _fault(self, answer: _Answer) -> RpcError | None:
        if answer.error is None:
            return None
        if answer.error.code in _RATE_LIMIT_CODES:
            raise NetworkRateLimited(f"{self._host}: code {answer.error.code}")
        return RpcError(answer.error.code, _legible(answer.error.message))


_ANSWER = msgspec.json.Decoder(_Answer)
_ANSWERS = msgspec.json.Decoder(list[_Answer])


_DECODERS: dict[object, "msgspec.json.Decoder[Any]"] = {}  # one for each shape that the adapters name: a few dozen


def _decoder(shape: type[T]) -> "msgspec.json.Decoder[T]":
    return _DECODERS.get(shape) or _DECODERS.setdefault(shape, msgspec.json.Decoder(shape))


def _optional_decoder(shape: type[T]) -> "msgspec.json.Decoder[T | None]":
    optional: Any = shape | None
    return _DECODERS.get(optional) or _DECODERS.setdefault(optional, msgspec.json.Decoder(optional))


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
