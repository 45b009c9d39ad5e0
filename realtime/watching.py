"""Watching: whose presence sockets here hear of, and how each of them is told.

    Watch frame -> watcher -> everybody asked for is watched in the view -> a whole answer, then changes

Owns who is told what. A socket that cannot be sent to, one whose contacts have changed, and all of them after a time in
which nothing was known, are told everything anew: a whole answer is always right. Must never ask the roll by itself
(realtime/rollcall.py), and never show anybody to whom they have not let near (realtime/watcher.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final
from uuid import UUID

from muster.acquaintance import AcquaintanceReader
from muster.errors import Refused
from muster.presence import OFFLINE, Told
from muster.view import Change, View
from proto.frames import PersonPresence, Presences, Watch
from realtime.people import People
from realtime.prepared import Prepared
from realtime.presence_counts import PresenceCounts
from realtime.rollcall import RollCall
from realtime.roster import Roster
from realtime.rosters import Rosters, presence_of
from realtime.socket import Socket
from realtime.watcher import Watcher

SAMPLES_EVERY: Final = 2
"""Samples and counts of large rooms go out with every second beat."""

PEOPLE_PER_FRAME: Final = 100
"""With statuses as long as they may be that is about what one frame holds."""

REREADS_PER_BEAT: Final = 100
"""Watchers whose acquaintances are read again at once, for each has a query of its own."""


class Watching:
    """All watchers of one hub."""

    def __init__(
        self,
        reader: AcquaintanceReader,
        people: People,
        view: View,
        rosters: Rosters,
        call: RollCall,
        counts: PresenceCounts,
    ) -> None:
        self._reader = reader
        self._people = people
        self._view = view
        self._call = call
        self._clock = call.clock
        self._counts = counts
        self._watchers: dict[Socket, Watcher] = {}
        self._of_person: dict[bytes, set[Watcher]] = {}
        self._direct: dict[bytes, set[Watcher]] = {}
        self._rosters = rosters
        self._reread: dict[Watcher, None] = {}

    # What a socket asks

    async def watch(self, socket: Socket, frame: Watch) -> Presences:
        """See `proto.frames.Watch`. Raises `Refused`."""
        watcher = Watcher(socket)
        watcher.wants_contacts = frame.contacts
        watcher.asked = frozenset(person.bytes for person in frame.people)
        with self._hearing_of_changes(watcher):
            watcher.known = await self._reader.acquaintance(socket.person)
            await self._near(watcher)
            rosters = [r for room in frame.rooms if (r := await self._rosters.of(socket, room))]
        # Nothing is waited for between this and the question, so that nobody is let go of who is asked for again.
        self._begin(watcher, rosters)
        known = await self._call.look() and self._call.is_known
        if self._watchers.get(socket) is not watcher or not known:
            watcher.stale = True
            return Presences(frame.id, [], whole=True, known=False)
        self._call.flush()  # to the others: what follows is as of now
        answer = self._all(watcher)[:PEOPLE_PER_FRAME]
        # The answer leaves before whatever the loop does next.
        said = frozenset(one.person for one in answer)
        asyncio.get_running_loop().call_soon(self._answered, watcher, said)
        return Presences(frame.id, answer, whole=True)

    def _answered(self, watcher: Watcher, said: frozenset[UUID]) -> None:
        """What did not fit into the answer."""
        if self._watchers.get(watcher.socket) is watcher and not watcher.stale:
            self._send(watcher, [one for one in self._all(watcher) if one.person not in said])
            for roster in watcher.rosters:
                self._rosters.send(roster, [watcher])

    async def _near(self, watcher: Watcher) -> None:
        """Whom it hears of by themselves, and who of them is near."""
        contacts = watcher.known.contacts if watcher.wants_contacts else frozenset()
        strangers = watcher.asked - watcher.known.contacts - {watcher.me}
        if strangers:
            watcher.mates = await self._reader.mates(watcher.person, strangers)
        watcher.direct = contacts | watcher.asked | {watcher.me}

    @contextmanager
    def _hearing_of_changes(self, watcher: Watcher) -> Iterator[None]:
        """While its acquaintances are read: what changes meanwhile has them read again."""
        self._of_person.setdefault(watcher.me, set()).add(watcher)
        try:
            yield
        except BaseException:
            self._forget(watcher)
            raise

    def _begin(self, watcher: Watcher, rosters: Iterable[Roster]) -> None:
        before = self._watchers.get(watcher.socket)
        for person in watcher.direct:
            self._view.watch(person)
            self._direct.setdefault(person, set()).add(watcher)
        for roster in rosters:
            self._rosters.enter(watcher, roster)
        if before is not None:
            self.drop(watcher.socket)
        owner = self._people.get(watcher.me)
        if owner is None or watcher.socket not in owner.sockets:
            self._end(watcher)  # it went while we asked
            return
        self._watchers[watcher.socket] = watcher

    def drop(self, socket: Socket) -> None:
        """The socket is gone."""
        watcher = self._watchers.pop(socket, None)
        if watcher is not None:
            self._end(watcher)

    def _end(self, watcher: Watcher) -> None:
        self._forget(watcher)
        self._forget_direct(watcher)
        for roster in list(watcher.rosters):
            self._rosters.leave(watcher, roster)

    def _forget(self, watcher: Watcher) -> None:
        self._reread.pop(watcher, None)
        mine = self._of_person.get(watcher.me, set())
        mine.discard(watcher)
        if not mine:
            self._of_person.pop(watcher.me, None)

    def _forget_direct(self, watcher: Watcher) -> None:
        for person in watcher.direct:
            self._view.unwatch(person)
            watchers = self._direct[person]
            watchers.discard(watcher)
            if not watchers:
                del self._direct[person]
        watcher.direct = frozenset()

    # What the roll tells

    def tell(self, changes: Iterable[Change]) -> None:
        """Push changes to whoever hears of them and sees them."""
        now_ms = self._clock.now_ms()
        for change in changes:
            prepared: dict[tuple[Told, bytes | None], Prepared] = {}
            for watcher in self._hearing(change.person):
                before = watcher.sees(change.person, change.before, now_ms)
                after = watcher.sees(change.person, change.after, now_ms)
                if before == after or watcher.stale:
                    continue
                if watcher.socket.congested:
                    watcher.stale = True
                    continue
                frame = prepared.get(after)
                if frame is None:
                    frame = prepared[after] = Prepared.of(
                        Presences(0, [presence_of(change.person, *after)])
                    )
                watcher.socket.push(frame)
                self._counts.told += 1

    def _hearing(self, person: bytes) -> set[Watcher]:
        hearing = set(self._direct.get(person, ()))
        for roster in self._rosters.holding(person):
            roster.dirty = True
            if roster.form == "names":
                hearing |= roster.watchers
            elif roster.form == "sample":
                hearing |= {w for w in roster.watchers if person in w.known.contacts}
        return hearing

    def _all(self, watcher: Watcher) -> list[PersonPresence]:
        """Everybody who is there, as this watcher sees them."""
        now_ms = self._clock.now_ms()
        seen = []
        for person in watcher.everybody():
            shown, room = watcher.sees(person, self._view.told(person), now_ms)
            if shown != OFFLINE:
                seen.append(presence_of(person, shown, room))
        return seen

    # What else changes who sees whom

    def related(self, person: bytes) -> None:
        """Somebody's contacts, blocks or rooms have changed: who they may see is read again."""
        self._reread.update(dict.fromkeys(self._of_person.get(person, ())))

    # The beat

    async def run(self) -> None:
        """Beat until cancelled."""
        beat = 0
        while True:
            await asyncio.sleep(self._call.paces.beat_s)
            beat += 1
            with suppress(Refused):  # Postgres does not answer: asked again with the next beat
                await self._read_again()
            self.beat()
            if beat % SAMPLES_EVERY == 0 and self._call.is_known:
                self._rosters.send_all()

    def beat(self) -> None:
        """Bring everybody up to date who is owed a whole answer, or told that nothing is known."""
        if self._call.is_known and self._view.is_looked:
            self._call.flush()
            for watcher in self._watchers.values():
                if (watcher.stale or watcher.said_unknown) and not watcher.socket.congested:
                    self._send_all(watcher)
        elif self._call.is_unknown:
            unknown = Prepared.of(Presences(0, [], whole=True, known=False))
            for watcher in self._watchers.values():
                if not watcher.said_unknown and not watcher.socket.congested:
                    watcher.said_unknown = True
                    watcher.socket.push(unknown)

    def _send_all(self, watcher: Watcher) -> None:
        watcher.stale = watcher.said_unknown = False
        self._counts.snapshots += 1
        everybody = self._all(watcher)
        watcher.socket.send(Presences(0, everybody[:PEOPLE_PER_FRAME], whole=True))
        self._send(watcher, everybody[PEOPLE_PER_FRAME:])

    def _send(self, watcher: Watcher, people: list[PersonPresence]) -> None:
        for at in range(0, len(people), PEOPLE_PER_FRAME):
            watcher.socket.send(Presences(0, people[at : at + PEOPLE_PER_FRAME]))

    async def _read_again(self) -> None:
        begun = [w for w in self._reread if self._watchers.get(w.socket) is w]
        for watcher in begun[:REREADS_PER_BEAT]:
            if self._watchers.get(watcher.socket) is watcher:
                del self._reread[watcher]
                try:
                    await self._renew(watcher)
                except Refused:
                    if self._watchers.get(watcher.socket) is watcher:
                        self._reread[watcher] = None
                    raise
        await self._rosters.read_again()
        await self._call.look()

    async def _renew(self, watcher: Watcher) -> None:
        renewed = Watcher(watcher.socket)
        renewed.wants_contacts, renewed.asked = watcher.wants_contacts, watcher.asked
        with self._hearing_of_changes(renewed):
            renewed.known = await self._reader.acquaintance(watcher.person)
            await self._near(renewed)
        if self._watchers.get(watcher.socket) is not watcher:
            self._forget(renewed)
            return
        person = self._people.get(watcher.me)
        rosters = [r for r in watcher.rosters if person is not None and r.room in person.rooms]
        renewed.stale, renewed.said_unknown = True, watcher.said_unknown
        self._begin(renewed, rosters)
