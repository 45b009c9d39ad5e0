"""The REST calls a phone makes.

Owns paths, bodies and the repetition of what failed for a moment: changes carry an Idempotency-Key, so that
repeating one changes nothing more. Must never hold a password (login.py does).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

import httpx
import msgspec
from msgspec import Struct

from loadtest.client.answers import Synced
from loadtest.client.backoff import Backoff
from proto.codes import Code
from proto.entry import Body, EntryKind
from proto.frames import Entry

TRY_FOR_S: Final = 20.0
PAGE: Final = 100
_ANONYMOUS: Final = frozenset({"/v1/people", "/v1/sessions", "/v1/sessions/refresh"})


class RestError(Exception):
    """The answer was a problem document. `code` is a number of proto.codes, 0 if there was none."""

    def __init__(self, status: int, code: int, message: str, temporary: bool) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.temporary = temporary


class Grant(Struct):
    """What logging in and refreshing give."""

    access_token: str
    refresh_token: str
    expires_in: float
    person: UUID
    device: UUID


class _Halfway(Struct):
    """Whether it takes a second step, which this client does not know."""

    mfa_required: bool = False


class Person(Struct):
    """Somebody's profile."""

    id: UUID
    handle: str
    name: str = ""
    bio: str = ""


class Room(Struct):
    """A room; what a list does not say has its default."""

    id: UUID
    kind: str
    title: str = ""
    topic: str = ""
    members: int = 0
    head: int = 0


class RoomLine(Room):
    """A line of my list of rooms."""

    peer: Person | None = None
    unread: int = 0
    role: str = ""


class Placed(Struct):
    """A change was committed at this seq of the room's log."""

    seq: int = 0
    room: UUID | None = None
    fresh: bool = True


class Reaction(Struct):
    """How many put this emoji on a message."""

    emoji: str
    count: int


class Item(Struct):
    """One entry of a history page, as it reads now."""

    seq: int
    msg_no: int
    kind: EntryKind
    author: UUID
    subject: UUID | None = None
    client_id: str = ""
    at_ms: int = 0
    body: Body = msgspec.field(default_factory=Body)
    edited_seq: int | None = None
    deleted_seq: int | None = None
    reactions: list[Reaction] = []

    def entry(self, room: UUID) -> Entry:
        """The same as a live entry."""
        return Entry(
            0,
            room,
            self.seq,
            self.msg_no,
            self.kind,
            self.author,
            self.subject,
            self.client_id,
            self.at_ms,
            self.body,
        )


class Page(Struct):
    """Entries in order; everything in `from_seq`..`to_seq` is settled by this page."""

    from_seq: int
    to_seq: int
    head: int
    more: bool
    entries: list[Item]


class Hubs(Struct):
    """Where the hubs are."""

    hubs: list[str]


class _Rooms(Struct):
    rooms: list[RoomLine]
    cursor: str | None = None


class _Members(Struct):
    members: list[Person]
    cursor: str | None = None


class _Problem(Struct):
    code: int = 0
    detail: str = ""
    title: str = ""
    temporary: bool = False


T = TypeVar("T")


class Rest:
    """One person's calls; `token` is theirs (empty before logging in). The client may be shared.

    `renew` replaces `token` when the server says it has ended; the call is then made once more.
    """

    def __init__(self, http: httpx.AsyncClient, random: Random) -> None:
        self._http = http
        self._random = random
        self.token = ""
        self.renew: Callable[[], Awaitable[None]] | None = None

    async def register(self, handle: str, name: str, password: str) -> Person:
        """A new account."""
        body = {"handle": handle, "name": name, "password": password}
        return await self._send("POST", "/v1/people", body, Person)

    async def log_in(self, handle: str, password: str, install: dict[str, str]) -> Grant:
        """A new session; `install` says install, app, version and platform."""
        body = {"handle": handle, "password": password, **install}
        answer = await self._answer("POST", "/v1/sessions", body)
        if msgspec.json.decode(answer, type=_Halfway).mfa_required:
            raise RestError(202, 0, "this account has a second factor; log in at /app", False)
        return msgspec.json.decode(answer, type=Grant)

    async def refresh(self, refresh_token: str) -> Grant:
        """New tokens for an old refresh token."""
        body = {"refresh_token": refresh_token}
        return await self._send("POST", "/v1/sessions/refresh", body, Grant)

    async def log_out(self) -> None:
        """End this session."""
        await self._answer("DELETE", "/v1/sessions/current", None)

    async def me(self) -> Person:
        """My own profile."""
        return await self._send("GET", "/v1/me", None, Person)

    async def rename(self, name: str) -> None:
        """Change my display name."""
        await self._answer("PATCH", "/v1/me", {"name": name})

    async def person(self, id_or_handle: UUID | str) -> Person:
        """Somebody's profile; a handle is written with @."""
        return await self._send("GET", f"/v1/people/{id_or_handle}", None, Person)

    async def my_rooms(self) -> list[RoomLine]:
        """All rooms I am in."""
        return await self._all("/v1/me/rooms")

    async def sync(
        self, since: int | None = None, generation: UUID | None = None, at_ms: int | None = None
    ) -> Synced:
        """All pages of everything, or of what changed since, as one answer."""
        held = {"since": since, "generation": generation, "at_ms": at_ms}
        query = "&".join(f"{name}={value}" for name, value in held.items() if value is not None)
        whole = await self._send("GET", f"/v1/me/sync?{query}", None, Synced)
        at = whole.cursor
        while at is not None:
            page = await self._send("GET", f"/v1/me/sync?{query}&cursor={at}", None, Synced)
            whole = page if page.anew else whole.and_then(page)
            at = page.cursor
        return whole

    async def public_rooms(self) -> list[RoomLine]:
        """Rooms anyone may join."""
        return await self._all("/v1/public-rooms")

    async def room(self, room: UUID) -> Room:
        """One room."""
        return await self._send("GET", f"/v1/rooms/{room}", None, Room)

    async def create_room(self, kind: str, title: str = "", people: Sequence[UUID] = ()) -> Room:
        """A new room of mine."""
        body = {"kind": kind, "title": title, "people": [str(person) for person in people]}
        return await self._send("POST", "/v1/rooms", body, Room)

    async def direct_room(self, peer: UUID) -> Room:
        """The room I share with `peer` alone; made if it is not there."""
        return await self._send("POST", "/v1/rooms", {"kind": "direct", "peer": str(peer)}, Room)

    async def join(self, room: UUID) -> Placed:
        """Come in; the answer is the seq of my coming."""
        return await self._send("POST", f"/v1/rooms/{room}/join", None, Placed)

    async def leave(self, room: UUID) -> Placed:
        """Go; the answer is the seq of my going, the last that is for me."""
        return await self._send("POST", f"/v1/rooms/{room}/leave", None, Placed)

    async def members(self, room: UUID) -> list[Person]:
        """The first page of who is in."""
        return (await self._send("GET", f"/v1/rooms/{room}/members", None, _Members)).members

    async def post(self, room: UUID, client_id: str, text: str) -> Placed:
        """Say something without a socket."""
        body = {"client_id": client_id, "text": text}
        return await self._send("POST", f"/v1/rooms/{room}/messages", body, Placed)

    async def history(
        self, room: UUID, *, after: int | None = None, before: int | None = None, limit: int = PAGE
    ) -> Page:
        """A page after or before a seq; without either, the newest."""
        way = f"&after={after}" if after is not None else f"&before={before}" if before else ""
        return await self._send("GET", f"/v1/rooms/{room}/history?limit={limit}{way}", None, Page)

    async def changes(self, room: UUID, after: int) -> Page:
        """How older messages read now that were changed after this seq."""
        return await self._send("GET", f"/v1/rooms/{room}/changes?after={after}", None, Page)

    async def hubs(self) -> list[str]:
        """The hubs' addresses."""
        return (await self._send("GET", "/v1/hubs", None, Hubs)).hubs

    async def read(self, path: str, shape: type[T]) -> T:
        """Any other page, as much of it as `shape` names."""
        return await self._send("GET", path, None, shape)

    async def show_to(self, circle: str) -> None:
        """Who may see whether I am there."""
        await self._answer("PATCH", "/v1/me/privacy", {"online": circle})

    async def change(self, method: str, path: str, body: dict[str, Any] | None = None) -> Placed:
        """Any other change; the seq of the answer, 0 where it has none."""
        answer = await self._answer(method, path, body)
        return msgspec.json.decode(answer, type=Placed) if answer else Placed(0)

    async def ask(self, method: str, path: str, body: dict[str, Any], shape: type[T]) -> T:
        """Any other request, as much of the answer as `shape` names."""
        return await self._send(method, path, body, shape)

    async def tell(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        """Any other whose answer says nothing more than that it is done."""
        await self._answer(method, path, body)

    async def _all(self, path: str) -> list[RoomLine]:
        rooms: list[RoomLine] = []
        cursor: str | None = ""
        while cursor is not None:
            at = f"?cursor={cursor}" if cursor else ""
            page = await self._send("GET", path + at, None, _Rooms)
            rooms += page.rooms
            cursor = page.cursor
        return rooms

    async def _send(self, method: str, path: str, body: dict[str, Any] | None, shape: type[T]) -> T:
        return msgspec.json.decode(await self._answer(method, path, body), type=shape)

    async def _answer(self, method: str, path: str, body: dict[str, Any] | None) -> bytes:
        """The body of the answer; what is temporary, or never came, is tried again for a while."""
        headers = {} if method == "GET" else {"Idempotency-Key": str(uuid4())}
        backoff = Backoff(self._random, base_s=0.2)
        give_up_at = asyncio.get_running_loop().time() + TRY_FOR_S
        renewed = False
        while True:
            failure: Exception
            try:
                return await self._once(method, path, body, headers)
            except httpx.TransportError as unreachable:
                failure = unreachable
            except RestError as problem:
                if problem.code == Code.token_expired and self.renew is not None and not renewed:
                    renewed = True
                    await self.renew()
                    continue
                if not problem.temporary:
                    raise
                failure = problem
            pause_s = backoff.pause_s()
            if asyncio.get_running_loop().time() + pause_s > give_up_at:
                raise failure
            await asyncio.sleep(pause_s)

    async def _once(
        self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]
    ) -> bytes:
        if self.token and path not in _ANONYMOUS:
            headers = {**headers, "Authorization": f"Bearer {self.token}"}
        answer = await self._http.request(method, path, json=body, headers=headers)
        if answer.is_success:
            return answer.content
        raise _problem(answer)


def _problem(answer: httpx.Response) -> RestError:
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:
        temporary = answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        return RestError(answer.status_code, 0, answer.reason_phrase, temporary)
    # With Retry-After, whatever the code: a repeat has overtaken the request it repeats.
    temporary = problem.temporary or "Retry-After" in answer.headers
    return RestError(answer.status_code, problem.code, problem.detail or problem.title, temporary)
