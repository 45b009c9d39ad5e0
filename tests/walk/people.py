"""A tiny vocabulary for walks: somebody with a phone, and what their app was given."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from uuid import UUID

import httpx

from loadtest.client.app import App
from loadtest.client.hubs import Hubs
from loadtest.client.login import Account, Login
from loadtest.client.phone import Habits, Phone
from loadtest.client.rest import Rest
from loadtest.stack import Stack
from proto import limits
from proto.entry import EntryKind
from proto.frames import Ack, Entry, Pointer, Post, ServerFrame, TypingNow

WITHIN_S = 10.0


class Person(App):
    """Somebody whose app keeps everything it is given."""

    def __init__(self, login: Login, hubs: Hubs, random: Random, habits: Habits) -> None:
        self.phone = Phone(login, hubs, self, random, habits)
        self.given: list[Entry] = []
        self.frames: list[ServerFrame] = []
        self.pointers: list[Pointer] = []
        self.typings: list[TypingNow] = []
        self._news = asyncio.Event()

    @property
    def rest(self) -> Rest:
        """Their REST calls."""
        return self.phone.login.rest

    @property
    def id(self) -> UUID:
        """Their person id."""
        return self.phone.login.person

    def heard(self, frame: ServerFrame) -> None:
        """Keep it, just as it came."""
        self.frames.append(frame)

    def entry(self, entry: Entry) -> None:
        """Keep it."""
        self.given.append(entry)
        self._news.set()

    def pointer(self, pointer: Pointer) -> None:
        """Keep it."""
        self.pointers.append(pointer)
        self._news.set()

    def typing(self, typing: TypingNow) -> None:
        """Keep it."""
        self.typings.append(typing)
        self._news.set()

    def room_opened(self, room: UUID) -> None:  # the app's signature
        """Somebody may wait for it."""
        self._news.set()

    async def says(self, room: UUID, text: str) -> Ack:
        """Post, and wait for the ack."""
        return await self.phone.submit(Post(0, room, secrets.token_hex(8), text))

    def texts(self, room: UUID) -> list[str]:
        """The messages they were given of a room, in the order given."""
        posts = [e for e in self.given if e.room == room and e.kind is EntryKind.post]
        return [entry.body.text or "" for entry in posts]

    def seqs(self, room: UUID) -> list[int]:
        """The seqs they were given of a room, in the order given."""
        return [entry.seq for entry in self.given if entry.room == room]

    async def has(self, room: UUID, text: str) -> None:
        """Return once they were given this message."""
        await self.until(lambda: text in self.texts(room))

    async def has_room(self, room: UUID) -> None:
        """Return once their phone knows this room."""
        await self.until(lambda: self.phone.rooms.positions.at(room) is not None)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once this holds; looked at whenever the app is told something."""
        async with asyncio.timeout(WITHIN_S):
            while not holds():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def people(stack: Stack, *names: str, json: bool = False) -> AsyncIterator[list[Person]]:
    """These people with a phone each, spread over the hubs, connected."""
    run = secrets.token_hex(4)
    subprotocol = limits.SUBPROTOCOL_JSON if json else limits.SUBPROTOCOL_MSGPACK
    async with httpx.AsyncClient(base_url=stack.api_url, timeout=10.0) as http:
        made = [
            _person(http, stack, f"{name}_{run}", number, subprotocol)
            for number, name in enumerate(names)
        ]
        async with asyncio.TaskGroup() as group:
            for person in made:
                await person.phone.login.register()
                group.create_task(person.phone.run())
                await person.phone.online.wait()
            try:
                yield made
            finally:
                for person in made:
                    await person.phone.close()


def _person(
    http: httpx.AsyncClient, stack: Stack, handle: str, number: int, subprotocol: str
) -> Person:
    random = Random(number)
    login = Login(Account(handle, "a long enough password"), Rest(http, random))
    return Person(login, Hubs(stack.hub_urls, number), random, Habits(subprotocol))
