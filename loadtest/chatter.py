"""What a chat shows, and what it does with what is typed.

Owns the room one is in, the names of people, and the form of every line. Lines and entries go through
one queue, so that they are dealt with in the order they came. Must never keep a message to itself: what
is refused is said.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import httpx

from loadtest.client.app import App
from loadtest.client.connection import Closed, Refusal
from loadtest.client.phone import Phone
from loadtest.client.rest import Rest, RestError, RoomLine
from loadtest.commands import HELP, Command, parse
from loadtest.screen import Screen
from proto.entry import EntryKind, MetaMap
from proto.frames import Delete, Edit, Entry, Head, Post, React, Ready, Submission, TypingNow

HISTORY: Final = 20
TYPING_S: Final = 6.0
_Item = Command | Entry | TypingNow | Head | str | asyncio.Event


class Chatter(App):
    """The app on the phone of somebody who chats."""

    def __init__(self, rest: Rest, screen: Screen, me: UUID) -> None:
        self._rest = rest
        self._screen = screen
        self._me = me
        self._items: asyncio.Queue[_Item] = asyncio.Queue()
        self._phone: Phone
        self._group: asyncio.TaskGroup
        self._sending: set[asyncio.Task[None]] = set()
        self._room = me
        self._seen: dict[UUID, int] = {}
        self._last: dict[UUID, int] = {}
        self._last_mine: dict[UUID, int | str] = {}
        self._names: dict[UUID, str] = {}
        self._titles: dict[UUID, str] = {}
        self._typing_until: dict[UUID, float] = {}

    async def run(self, phone: Phone) -> None:
        """Show what comes and do what is typed, in order, until cancelled."""
        self._phone = phone
        async with asyncio.TaskGroup() as self._group:
            while True:
                item = await self._items.get()
                try:
                    await self._deal_with(item)
                except RestError as problem:
                    self._screen.show(f"!! {problem.message}")
                except httpx.TransportError:
                    self._screen.show("!! the api does not answer")

    async def go_to(self, title: str) -> None:
        """Begin in the public room of this title; made if there is none."""
        self._items.put_nowait(Command("join", title))
        await self._reached()

    async def finish(self) -> None:
        """Return when everything typed is done and answered."""
        await self._reached()
        if self._sending:
            await asyncio.wait(self._sending)
        await self._reached()

    async def _reached(self) -> None:
        here = asyncio.Event()
        self._items.put_nowait(here)
        await here.wait()

    # What the phone tells, and what is typed: noted, and dealt with in `run`

    def connected(self, ready: Ready, url: str) -> None:
        """A socket is there."""
        del ready
        self._items.put_nowait(f"-- connected to {url}")

    def disconnected(self, closed: Closed, pause_s: float) -> None:
        """It is gone."""
        why = closed.goaway.reason if closed.goaway else closed.reason or "the connection broke"
        self._items.put_nowait(f"-- {why}; trying again in {pause_s:.1f} s")

    def entry(self, entry: Entry) -> None:
        """Something happened in a room."""
        self._items.put_nowait(entry)

    def head(self, head: Head) -> None:
        """Something happened in a room I do not look at."""
        self._items.put_nowait(head)

    def typing(self, typing: TypingNow) -> None:
        """Somebody types."""
        self._items.put_nowait(typing)

    def typed(self, line: str) -> bool:
        """A line was typed; whether more are wanted."""
        command = parse(line)
        if command is not None:
            self._items.put_nowait(command)
        return command is None or command.name != "quit"

    def key_pressed(self) -> None:
        """A line is being typed."""
        self._items.put_nowait(Command("typing"))

    async def _deal_with(self, item: _Item) -> None:
        match item:
            case asyncio.Event():
                item.set()
            case str():
                self._screen.show(item)
            case Command():
                await self._do(item)
            case Entry():
                if item.seq > self._seen.get(item.room, 0):
                    await self._show(item)
            case TypingNow():
                await self._show_typing(item)
            case Head():
                pass

    # Commands

    async def _do(self, command: Command) -> None:
        match command.name:
            case "say" | "me":
                meta: MetaMap | None = {"action": True} if command.name == "me" else None
                self._say(Post(0, self._room, _new_id(), command.text, meta=meta))
            case "edit" | "delete" | "react":
                self._change(command)
            case "join":
                await self._join(command.text)
            case "leave":
                await self._rest.leave(self._room)
            case "dm":
                await self._direct(command)
            case "rooms":
                await self._list_rooms()
            case "who":
                people = await self._rest.members(self._room)
                self._screen.show("-- here: " + ", ".join(sorted(one.handle for one in people)))
            case "typing":
                await self._phone.typing(self._room)
            case "help":
                self._screen.show(HELP)
            case "quit":
                pass
            case _:
                self._screen.show(f"!! {command.text}")

    def _change(self, command: Command) -> None:
        last = self._last if command.name == "react" else self._last_mine
        target = command.seq or last.get(self._room)
        if target is None:
            self._screen.show(f"!! there is nothing here to {command.name}")
        elif command.name == "edit":
            self._send(Edit(0, self._room, _new_id(), target, command.text))
        elif command.name == "delete":
            self._send(Delete(0, self._room, _new_id(), target))
        else:
            self._send(React(0, self._room, _new_id(), target, command.text))

    def _say(self, post: Post) -> None:
        # By its client id it can be changed before anybody has told its seq.
        self._last_mine[post.room] = post.client_id
        self._send(post)

    def _send(self, submission: Submission) -> None:
        """Not awaited here: while there is no socket, what comes and goes must still be shown."""
        sending = self._group.create_task(self._submit(submission))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def _submit(self, submission: Submission) -> None:
        try:
            await self._phone.submit(submission)
        except Refusal as refusal:
            self._screen.show(f"!! {refusal.error.message}")

    async def _join(self, title: str) -> None:
        found = await self._named(title)
        if found is None:
            await self._rest.create_room("public", title)
            # Another may have made one just now: all go to the oldest.
            found = await self._named(title)
        if found is not None:
            await self._rest.join(found.id)
            await self._enter(found.id, found.title)

    async def _named(self, title: str) -> RoomLine | None:
        mine = [room for room in await self._rest.my_rooms() if room.kind != "direct"]
        rooms = [*await self._rest.public_rooms(), *mine]
        named = [room for room in rooms if room.title.casefold() == title.casefold()]
        return min(named, key=lambda room: room.id, default=None)

    async def _direct(self, command: Command) -> None:
        peer = await self._rest.person(f"@{command.handle}")
        room = await self._rest.direct_room(peer.id)
        await self._enter(room.id, f"@{peer.handle}")
        self._say(Post(0, room.id, _new_id(), command.text))

    async def _enter(self, room: UUID, title: str) -> None:
        self._titles[room] = title
        if room == self._room:
            return
        self._room = room
        self._screen.here(title)
        self._screen.show(f"-- {title}")
        page = await self._rest.history(room, limit=HISTORY)
        for item in page.entries:
            await self._show(item.entry(room))
        self._seen[room] = page.to_seq

    async def _list_rooms(self) -> None:
        mine = await self._rest.my_rooms()
        for room in mine:
            title = f"@{room.peer.handle}" if room.peer else room.title
            self._screen.show(f"-- {title}  {room.members} people, {room.unread} unread")
        ids = {room.id for room in mine}
        for room in await self._rest.public_rooms():
            if room.id not in ids:
                self._screen.show(f"-- {room.title}  {room.members} people, /join {room.title}")

    # Lines

    async def _show(self, entry: Entry) -> None:
        if entry.kind is EntryKind.post:
            self._note(entry)
        line = await self._line(entry)
        if line is None:
            return
        if entry.room != self._room:
            line = f"[{await self._title(entry.room)}] {line}"
        self._typing_until.pop(entry.author, None)
        self._screen.show(line)
        if entry.room == self._room and entry.kind is EntryKind.post:
            await self._phone.read(entry.room, entry.seq)

    def _note(self, entry: Entry) -> None:
        """Which message /edit and /react mean."""
        known = self._last.get(entry.room, 0)
        if entry.seq > known:
            self._last[entry.room] = entry.seq
            if entry.author == self._me:
                self._last_mine[entry.room] = entry.seq

    async def _line(self, entry: Entry) -> str | None:
        """An entry as a line, or None for what nobody needs to see."""
        author, body = await self._name(entry.author), entry.body
        match entry.kind:
            case EntryKind.post if body.text is None:
                return None
            case EntryKind.post if body.meta and body.meta.get("action"):
                return f"{_clock(entry)} * {author} {body.text}"
            case EntryKind.post if body.poll is not None:
                options = " / ".join(body.poll.options)
                return f"{_clock(entry)} {author} asks: {body.text} ({options})"
            case EntryKind.post:
                return f"{_clock(entry)} {author}: {body.text}"
            case EntryKind.edit:
                return f"-- {author} changed #{body.target}: {body.text}"
            case EntryKind.delete:
                return f"-- {author} deleted #{body.target}"
            case EntryKind.react:
                return f"-- {author} {body.emoji} #{body.target}"
            case EntryKind.join | EntryKind.leave | EntryKind.kick if entry.subject is not None:
                done = {"join": "joined", "leave": "left", "kick": "was put out"}[entry.kind.value]
                return f"-- {await self._name(entry.subject)} {done}"
            case EntryKind.settings if body.title is not None:
                return f"-- the room is now called {body.title}"
            case _:
                return None

    async def _show_typing(self, typing: TypingNow) -> None:
        now = asyncio.get_running_loop().time()
        mine = typing.person == self._me or typing.room != self._room
        if not mine and now >= self._typing_until.get(typing.person, 0.0):
            self._typing_until[typing.person] = now + TYPING_S
            self._screen.show(f"-- {await self._name(typing.person)} is typing")

    async def _name(self, person: UUID) -> str:
        if person not in self._names:
            try:
                self._names[person] = (await self._rest.person(person)).handle
            except RestError:
                return str(person)[:8]
        return self._names[person]

    async def _title(self, room: UUID) -> str:
        if room not in self._titles:
            for mine in await self._rest.my_rooms():
                self._titles[mine.id] = f"@{mine.peer.handle}" if mine.peer else mine.title
        return self._titles.get(room, str(room)[:8])


def _clock(entry: Entry) -> str:
    local = datetime.fromtimestamp(entry.at_ms / 1_000, UTC).astimezone()
    return f"[{local:%H:%M} #{entry.seq}]"


def _new_id() -> str:
    return str(uuid4())
