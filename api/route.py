"""A route: one row of the table, and what its handler gets and gives.

Owns these shapes. Must never do anything: endpoint.py acts on them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Annotated, Any, Final, NamedTuple, TypeVar
from uuid import UUID

from msgspec import Meta, Struct

from muster.ids import PersonId, RoomId
from muster.oauth_provider import NAME as PROVIDER
from muster.service_keys import ServiceKey
from muster.tokens import Claims
from proto.codes import Code
from proto.entry import Emoji, Seq

T = TypeVar("T")

PATH_TYPES: Final[Mapping[str, Any]] = {
    "room": UUID,
    "person": UUID,
    "session": UUID,
    "device": UUID,
    "report": UUID,
    "job": UUID,
    "purpose": Annotated[str, Meta(min_length=1, max_length=32)],
    "media": UUID,
    "object": Annotated[str, Meta(min_length=1, max_length=100)],
    "seq": Seq,
    "emoji": Emoji,
    "webhook": UUID,
    "provider": Annotated[str, Meta(pattern=f"^{PROVIDER}$", max_length=32)],
    "external": Annotated[str, Meta(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")],
    "code": Annotated[str, Meta(min_length=1, max_length=64)],
    "version": Annotated[str, Meta(min_length=1, max_length=64)],
    "file": Annotated[str, Meta(min_length=1, max_length=64)],
    "who": Annotated[str, Meta(min_length=1, max_length=40)],
}
"""What may stand in a path, by the name of its place."""


class Limit(Enum):
    """Which bucket a request takes from. `none` with a token: the person's bucket of reads.

    `secret` is a write whose answer holds a secret, which is therefore not kept. Service keys have one bucket each.
    """

    none = "none"
    anonymous = "anonymous"
    write = "write"
    secret = "secret"  # noqa: S105  # a kind of limit
    search = "search"
    find = "find"
    page = "page"
    media = "media"


class Reply(NamedTuple):
    """An answer that is not simply a body with the route's own status."""

    body: object
    status: int | None = None
    headers: Mapping[str, str] = {}


class Raw(NamedTuple):
    """An answer that is not JSON of ours."""

    content: bytes
    media_type: str
    headers: Mapping[str, str] = {}
    status: int | None = None


class Call:
    """One request, checked: what a handler works on."""

    __slots__ = ("_body", "_path", "_query", "_who", "address", "client_id", "incoming")

    incoming: tuple[bytes, AsyncIterator[bytes]]
    """The Content-Type and the body as it comes. Only on routes that stream."""

    def __init__(
        self,
        who: Claims | ServiceKey | None,
        path: Mapping[str, Any],
        query: object,
        body: object,
        client_id: str,
        address: str,
    ) -> None:
        """`client_id`: the Idempotency-Key, or one made up; ops carry it. `address`: whom buckets blame."""
        self._who = who
        self._path = path
        self._query = query
        self._body = body
        self.client_id = client_id
        self.address = address

    @property
    def claims(self) -> Claims:
        """Who asks. Only on routes that ask for a token."""
        assert isinstance(self._who, Claims)
        return self._who

    @property
    def key(self) -> ServiceKey:
        """The key that asks. Only on routes that no person may call."""
        assert isinstance(self._who, ServiceKey)
        return self._who

    @property
    def me(self) -> PersonId:
        return self.claims.person

    @property
    def room(self) -> RoomId:
        """The room of the path."""
        return RoomId(self._path["room"])

    @property
    def person(self) -> PersonId:
        """The person of the path."""
        return PersonId(self._path["person"])

    def path(self, name: str, kind: type[T]) -> T:
        """One part of the path."""
        value = self._path[name]
        assert isinstance(value, kind)
        return value

    def body(self, kind: type[T]) -> T:
        """The body, as the type its route names."""
        assert isinstance(self._body, kind)
        return self._body

    def query(self, kind: type[T]) -> T:
        """The query, as the type its route names."""
        assert isinstance(self._query, kind)
        return self._query


Handler = Callable[[Call], Awaitable[object]]
"""Gives what is sent as JSON, a `Reply`, a `Raw`, a Starlette `Response`, or None (204)."""


class Route(NamedTuple):
    """One row of the table; its rule is the row of the same method and path in muster/route_rules.py."""

    method: str
    path: str
    handler: Handler
    summary: str
    answer: Any = None
    status: int = 200
    body: type[Struct] | None = None
    query: type[Struct] | None = None
    limit: Limit = Limit.none
    once: bool = False
    etag: bool = False
    stream: bool = False
    form: str = "multipart/form-data"
    """What a body is that streams."""

    halfway: type[Struct] | None = None
    """What it answers, with 202, where one step more is needed."""

    media_type: str = ""
    """Of a `Raw` answer."""

    bare: bool = False
    """Whether the body may be left out: it is then as its type is by default."""

    refuses: tuple[Code, ...] = ()
    """What it may answer beyond what its shape says (see answers.py): a foreign room in a body is 404, for one."""

    also: Mapping[int, str] = MappingProxyType({})
    """Other statuses of what is done, and what they mean."""

    @property
    def kept(self) -> bool:
        """Whether an answer is kept under its Idempotency-Key: all changes, but never an answer that holds a token."""
        return self.once or self.limit is Limit.write


class Page(Struct, frozen=True):
    """A page of a list: how many, and the cursor that the page before ended with."""

    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class Done(Struct, frozen=True):
    """A change of a room is in force at `seq`. `fresh` is false where it already was."""

    room: RoomId
    seq: int
    msg_no: int
    at_ms: int
    fresh: bool
