"""How an endpoint declares itself: who may, what it takes, what it answers, how it refuses.

The declaration is all there is: it guards the endpoint, validates what comes in, and becomes the OpenAPI description.
What this prevents: an endpoint that somebody forgot to protect.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar, get_args, get_type_hints

import msgspec
from pydantic import BaseModel

from api.json_body import BYTES_MAX
from api.schema import REFERENCE, ULID, Closed
from api.settings import ApiSettings
from api.streaming import Stream
from wallet.access.keys import Principal, Scope
from wallet.context import Context
from wallet.journal.change import Committed

BodyT_co = TypeVar("BodyT_co", bound=Closed, covariant=True)
QueryT_co = TypeVar("QueryT_co", bound=Closed, covariant=True)

AnswerKind = type[BaseModel] | str | tuple[type[BaseModel] | str, ...]
"""A model, the media type of a file, or what may be asked for of them."""

PATH_PATTERNS = {
    "customer": rf"cus_{ULID}|@[a-z][a-z0-9_]{{1,29}}|ref:{REFERENCE}",
    "key": rf"key_{ULID}",
    "address": rf"adr_{ULID}",
    "deposit": rf"(?:dep|str)_{ULID}",
    "payment": rf"pay_{ULID}",
    "hold": rf"hld_{ULID}",
    "settlement": rf"stl_{ULID}",
    "proposal": rf"prp_{ULID}",
    "withdrawal": rf"wdr_{ULID}",
    "destination": rf"dst_{ULID}",
    "object": rf"(?:pay|wdr|hld|stl)_{ULID}",
    "day": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "explained": rf"cus_{ULID}|@[a-z][a-z0-9_]{{1,29}}|ref:{REFERENCE}"
    rf"|(?:pay|dep|wdr|dst|hld|stl|sub|stm|brk)_{ULID}|[1-9][0-9]{{0,17}}(?:\.[0-9]{{1,5}})?",
    "code": r"[a-z_]{1,40}",
}
"""What a name in a path looks like. Anything else does not exist."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may: anybody (`public`), any valid key (no scopes), or a key that has one of the scopes. `judged`: the endpoint's
    Change requires `Principal.standing`, so the Journal says whether the key still stands, and nobody need ask before."""

    scopes: frozenset[Scope] = frozenset()
    public: bool = False
    judged: bool = False


PUBLIC = Access(public=True)
ANY_KEY = Access()


def any_of(*scopes: Scope, judged: bool = False) -> Access:
    return Access(frozenset(scopes), judged=judged)


class Idempotency(Enum):
    """Whether a request carries an `Idempotency-Key`. Whatever moves money requires one."""

    NONE = "none"
    ACCEPTED = "accepted"
    REQUIRED = "required"


class Call(msgspec.Struct, Generic[BodyT_co, QueryT_co], frozen=True):
    """One request, understood: who asks, and what they mean. Who waits for events stops when `stopping` is set.

    No dataclass, nor is `Answer`: each request makes one of each, and a frozen dataclass sets each field in Python."""

    context: Context
    settings: ApiSettings
    stopping: asyncio.Event
    asker: Principal | None
    body: BodyT_co
    query: QueryT_co
    path: Mapping[str, str]
    key: str | None

    @property
    def principal(self) -> Principal:
        if self.asker is None:
            raise AssertionError("a public endpoint has no principal")
        return self.asker


@dataclass(frozen=True, slots=True)
class File:
    """An answer that is not JSON of ours."""

    content: bytes
    content_type: str
    name: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """`replayed` says that this is the first answer to this Idempotency-Key, again. `done` is what the request committed:
    its receipt goes with the answer, whose declared model is then a `Receipted`."""

    content: BaseModel | File | Stream
    status: int = 200
    replayed: bool = False
    location: str | None = None
    done: Committed | None = None


Handle = Callable[[Call[Any, Any]], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: who may, what goes in, what comes out. Routing, validation and the document are all made of it."""

    method: str
    path: str
    access: Access
    handle: Handle
    summary: str
    answer: AnswerKind
    body: type[Closed]
    query: type[Closed]
    statuses: tuple[int, ...] = (200,)
    idempotency: Idempotency = Idempotency.NONE
    refuses: tuple[str, ...] = field(default=())
    bytes_max: int = BYTES_MAX

    @property
    def takes_body(self) -> bool:
        return bool(self.body.model_fields)


def route(
    method: str,
    path: str,
    *,
    access: Access,
    answer: AnswerKind,
    statuses: tuple[int, ...] = (200,),
    idempotency: Idempotency = Idempotency.NONE,
    refuses: tuple[str, ...] = (),
    bytes_max: int = BYTES_MAX,
) -> Callable[[Handle], Route]:
    """Turn a function into an endpoint. Body and query come from its annotation `Call[Body, Query]`, the summary from the
    first line of its docstring; `refuses` names codes of `api.errors.RULES` beyond those that every endpoint has."""

    def declare(handle: Handle) -> Route:
        (annotation,) = [hint for name, hint in get_type_hints(handle).items() if name != "return"]
        body, query = get_args(annotation)
        summary = (handle.__doc__ or "").strip().partition("\n")[0]
        if not summary:
            raise ValueError(f"{method} {path} has no summary")
        return Route(
            method, path, access, handle, summary, answer, body, query, statuses, idempotency, refuses, bytes_max
        )

    return declare
