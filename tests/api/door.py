"""The real REST application on a real Postgres and Redis, asked without a socket between.

Owns how a test makes people and rooms there, and moves its clock (opening.py opens it). It never replaces a part of
ours.
"""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx

from api.ground import Ground
from muster.clock import SystemClock
from muster.control import ControlLog, ControlView
from muster.ids import DeviceId, PersonId, SessionId, device_of
from muster.permission import Relation, RoomKind, Scope, ServiceRole
from muster.service_keys import FRESH_S, new_key
from muster.stores.postgres import service_keys
from muster.tokens import Tokens

PASSWORD = "correct horse battery"


def phone(**changed: Any) -> dict[str, Any]:
    """What an app says of the phone it runs on."""
    return {
        "install": "phone",
        "provider": "apns",
        "environment": "sandbox",
        "topic": "com.example.events",
        "token": secrets.token_hex(32),
        "locale": "de-AT",
        "zone": "Europe/Vienna",
        "app_version": "2.11.0",
        "privacy": "sender",
        "shows_local": True,
        **changed,
    }


class MovedClock(SystemClock):
    """The machine's clock, moved forward by a test."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now_ms(self) -> int:
        return super().now_ms() + round(self.ahead_s * 1000)

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


class Someone:
    """A person with a session, who asks."""

    def __init__(
        self, door: "Door", person: PersonId, handle: str, token: str, refresh_token: str = ""
    ) -> None:
        self.id = person
        self.handle = handle
        self.token = token
        self.refresh_token = refresh_token
        self._door = door

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return await self._door.client.request(method, path, headers=headers, **more)

    async def done(self, method: str, path: str, **more: Any) -> Any:
        """What a request that must succeed answers."""
        response = await self.ask(method, path, **more)
        assert response.status_code < 300, (method, path, response.status_code, response.text)
        return response.json() if response.content else None

    async def post(self, room: str, text: str, **more: Any) -> int:
        body = {"client_id": secrets.token_hex(6), "text": text, **more}
        seq: int = (await self.done("POST", f"/v1/rooms/{room}/messages", json=body))["seq"]
        return seq

    async def room(self, kind: str = "group", *people: "Someone", title: str = "a room") -> str:
        body = {"kind": kind, "title": title, "people": [str(one.id) for one in people]}
        room: str = (await self.done("POST", "/v1/rooms", json=body))["id"]
        return room


class Server:
    """A server of the app's, which asks with a service key."""

    def __init__(self, door: "Door", key: UUID, word: str) -> None:
        self.key = key
        self.word = word
        self._door = door

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.word}", **more.pop("headers", {})}
        return await self._door.client.request(method, path, headers=headers, **more)

    async def done(self, method: str, path: str, **more: Any) -> Any:
        """What a request that must succeed answers."""
        response = await self.ask(method, path, **more)
        assert response.status_code < 300, (method, path, response.status_code, response.text)
        return response.json() if response.content else None


class Door:
    """The application and what stands behind it."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        database: asyncpg.Connection,
        ground: Ground,
        control: ControlLog,
        view: ControlView,
        news: asyncio.Event,
    ) -> None:
        assert isinstance(ground.clock, MovedClock)
        self.client = client
        self.database = database
        self.ground = ground
        self.clock: MovedClock = ground.clock
        self._control = control
        self._view = view
        self._news = news

    async def register(self, handle: str) -> Someone:
        """Somebody by the front door: registered and logged in."""
        wanted = {"handle": handle, "password": PASSWORD}
        made = await self.client.post("/v1/people", json=wanted)
        assert made.status_code == 201, made.text
        return await self.log_in(handle)

    async def log_in(self, handle: str, install: str = "phone") -> Someone:
        wanted = {"handle": handle, "password": PASSWORD, "install": install}
        answer = await self.client.post("/v1/sessions", json=wanted)
        assert answer.status_code == 201, answer.text
        grant = answer.json()
        person = PersonId(UUID(grant["person"]))
        return Someone(self, person, handle, grant["access_token"], grant["refresh_token"])

    async def someone(
        self, handle: str | None = None, role: ServiceRole = ServiceRole.user
    ) -> Someone:
        """Somebody by the back door, where logging in is not what is tested."""
        person = PersonId(uuid4())
        handle = handle or f"p{person.hex[:12]}"
        await self.database.execute(
            """
            WITH person AS (
                INSERT INTO people (person_id, handle, handle_shown, name, service_role)
                VALUES ($1, lower($2), $2, $2, $3) RETURNING person_id
            ) SELECT add_self_log_v1(person_id) FROM person
            """,
            person,
            handle,
            role.value,
        )
        return Someone(self, person, handle, await self.token(person, role))

    async def token(self, person: PersonId, role: ServiceRole = ServiceRole.user) -> str:
        session, device = SessionId(uuid4()), device_of(person, "phone")
        await self.database.execute(
            "INSERT INTO sessions (session_id, person_id, device_id, expires_at)"
            " VALUES ($1, $2, $3, now() + interval '1 day')",
            session,
            person,
            device,
        )
        return self.tokens().issue(person, session, DeviceId(device), role)

    def tokens(self) -> Tokens:
        on = self.ground
        settings = on.settings
        return Tokens(
            on.ring,
            settings.issuer,
            settings.audience,
            settings.access_token_s,
            on.clock,
            on.random,
        )

    async def registered(self, handle: str, install: str = "phone", **state: Any) -> Someone:
        """Somebody who logs in on a phone that is then registered for pushes; registers them where there is nobody."""
        known = await self.database.fetchval("SELECT 1 FROM people WHERE handle = $1", handle)
        one = await (self.log_in(handle, install) if known else self.register(handle))
        await one.done("PUT", "/v1/me/push", json=phone(install=install, **state))
        return one

    async def service(self, *scopes: Scope) -> "Server":
        """One of the app's servers, with a key for these scopes."""
        new = new_key(self.clock.now_ms(), self.ground.random)
        assert await service_keys.add(self.database, new, "a test's", scopes, None)
        self.clock.ahead_s += FRESH_S  # the door knows keys as of a second ago
        return Server(self, new.id, new.word)

    async def relate(self, room: UUID, person: PersonId, relation: Relation, head: int) -> None:
        """Make somebody what they would be after joining, leaving, being kicked."""
        if relation is Relation.none:
            return
        present = relation in ("member", "moderator", "owner")
        await self.database.execute(
            "INSERT INTO members (room_id, person_id, relation, from_seq) VALUES ($1, $2, $3, 1)",
            room,
            person,
            relation.value,
        )
        if relation is not Relation.invited:
            await self.database.execute(
                "INSERT INTO spans (room_id, person_id, joined, from_seq, to_seq)"
                " VALUES ($1, $2, 1, 1, $3)",
                room,
                person,
                None if present else head,
            )

    async def bare_room(
        self, kind: RoomKind, *authors: PersonId, polls: Sequence[int] = ()
    ) -> UUID:
        """A room of any kind with one message of each author; `polls`: the seqs of those that are polls.

        One of kind `event` is a public event that is on.
        """
        room = uuid4()
        await self.database.execute(
            "INSERT INTO rooms (room_id, kind, title, head, msg_no, last_post, members)"
            " VALUES ($1, $2, 'bare', $3, $3, $3, 3)",
            room,
            kind.value,
            len(authors),
        )
        if kind is RoomKind.event:
            await self.database.execute(
                "INSERT INTO events (room_id, visibility, doors_at, starts_at, ends_at, zone, secret)"
                " VALUES ($1, 'public', now(), now(), now() + interval '1 hour', 'UTC', '')",
                room,
            )
        await self.database.executemany(
            "INSERT INTO entries (room_id, seq, msg_no, kind, author, client_id, at, text)"
            " VALUES ($1, $2, $2, 'post', $3, $4, now(), 'words')",
            [(room, seq, author, f"bare-{seq}") for seq, author in enumerate(authors, start=1)],
        )
        await self.database.executemany(
            "INSERT INTO polls (room_id, target, options, multiple, anonymous)"
            " VALUES ($1, $2, 2, false, false)",
            [(room, seq) for seq in polls],
        )
        return room

    async def heard(self) -> None:
        """Return once the control log is read up to its head."""
        head = await self.database.fetchval("SELECT head FROM rooms WHERE kind = 'control'")
        while self._view.position < head:
            self._news.clear()
            self._control.seen(head)
            await self._news.wait()

    def counted(self, name: str, **labels: str) -> float:
        """A metric of these labels."""
        return self.ground.registry.get_sample_value(name, labels) or 0.0
