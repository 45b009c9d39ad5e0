"""One person of the crowd: what they say when, what they make of what they hear, and what is recorded of it.

Owns the conversation, over one socket after another: the way in, posts at a pace, acks, deliveries. Pure: clocks and
randomness are passed in. Must never wait, and never slow down because the server does.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from math import inf
from random import Random
from typing import Final, NamedTuple
from uuid import UUID

from loadtest.swarm import pace, rows
from loadtest.swarm.coming import Coming
from loadtest.swarm.pace import Pace
from loadtest.swarm.rows import Record
from loadtest.swarm.said import Said, Saying
from loadtest.swarm.stamp import Clocks, age, stamped
from loadtest.swarm.watch import Followed, Watch
from proto.codes import Code
from proto.entry import EntryKind
from proto.frames import (
    Ack,
    Auth,
    Client,
    Entry,
    Error,
    Gap,
    Goaway,
    Ok,
    Placed,
    Ready,
    Refresh,
    Resume,
    RoomStates,
    ServerFrame,
    Skip,
)

LIVE_WITHIN_S: Final = 30.0
SILENT_WITHIN_S: Final = 10.0
"""Beyond the heartbeat: then the connection is dead."""

TEXT_CHARS: Final = 128
_AUTH, _LIST, _RESUME, _REFRESH, _FIXES, _FIRST_POST = 1, 2, 3, 4, 5, 6


class Manner(NamedTuple):
    """How somebody talks: a post every `every_s` seconds (0: never), from this machine, in this run."""

    every_s: float
    machine: str
    run: str


class Talker:
    """One person. `live` while all rooms are; `refused` is what the server said to the last way in, if it did."""

    def __init__(
        self,
        name: str,
        manner: Manner,
        watch: Watch,
        record: Record,
        random: Random,
        coming: Coming | None = None,
    ) -> None:
        """`coming`: to an event, by fixes, once they are live."""
        self.live = False
        self.refused: str | None = None
        self.goaway: Goaway | None = None
        self.token_ends_at = inf
        self._manner = manner
        self._watch = watch
        self._record = record
        self._random = random
        self._client_ids = (f"{manner.run}-{name}-{number}" for number in count())
        self._coming = coming
        self._said = Said(_FIRST_POST)
        self._followed = Followed()
        self._rooms: list[UUID] = []
        self._caught_up: dict[UUID, int] = {}
        self._me: UUID | None = None
        self._generation: UUID | None = None
        self._pace: Pace | None = None
        self._began_at = self._asked_at = self._heard_at = 0.0
        self._heartbeat_s = inf
        self._dropped_at: float | None = None

    @property
    def waits(self) -> bool:
        """Whether something said has no answer yet, or something said by others is on its way."""
        return len(self._said) > 0 or self._watch.expects(self._followed)

    @property
    def lived_since(self) -> float | None:
        """When the socket came live; None while it is not."""
        return self._followed.live_at

    def begin(self, dialled_at: float, token: str) -> Auth:
        """A socket is open that was begun at `dialled_at`: the first frame."""
        self._began_at = self._heard_at = dialled_at
        self._heartbeat_s = inf
        self.refused = self.goaway = None
        return Auth(_AUTH, token, app="muster-load", version="1.0.0", platform="python")

    def renewed(self, token: str) -> Refresh:
        """Another token of the same session, before the old one ends."""
        self.token_ends_at = inf
        return Refresh(_REFRESH, token)

    def due(self, now: Clocks) -> Iterator[Client]:
        """Posts whose time has come; nothing leaves before the rooms are live."""
        at = now.monotonic_s
        for due_at in self._pace.due(at) if self._pace and self._rooms else ():
            if self.live:
                self._record(rows.LATE, at - due_at)
            text = stamped(self._manner.machine, due_at, now, TEXT_CHARS)
            room = self._random.choice(self._rooms)
            self._give_up(
                self._said.say(Saying(due_at, room, next(self._client_ids), text)), at, "never sent"
            )
        if self.live:
            yield from self._said.send(at)
            if self._coming and (fixes := self._coming.due(_FIXES, at, self._record)):
                yield fixes
        for saying in self._said.unanswered(at):
            self._give_up(saying, at, "no answer within 5 s")

    def next_at(self) -> float:
        """When `due` or `dead` is to be asked again, whatever is heard."""
        times = [self._said.next_at(), self._heard_at + self._heartbeat_s + SILENT_WITHIN_S]
        if not self.live:
            times.append(self._began_at + LIVE_WITHIN_S)
        else:
            times += [each.next_at() for each in (self._pace, self._coming) if each]
        return min(times)

    def dead(self, now: float) -> bool:
        """Whether this socket is to be given up: nothing was heard for too long, or it does not come live."""
        if now >= self._heard_at + self._heartbeat_s + SILENT_WITHIN_S:
            return True
        return not self.live and now >= self._began_at + LIVE_WITHIN_S

    def alive(self, at: float) -> None:
        """Something was heard at that time, if only a ping."""
        self._heard_at = max(self._heard_at, at)

    def heard(self, frame: ServerFrame, size: int, now: Clocks) -> Iterator[Client]:
        """A frame of `size` bytes came; the frames that follow from it."""
        at = self._heard_at = now.monotonic_s
        match frame:
            case Entry():
                self._arrived(frame, size, now)
                if frame.kind is EntryKind.room_added and frame.body.room not in self._followed.at:
                    yield Resume(_LIST, None, [])
            case Placed(id=request) if request == _FIXES and self._coming:
                self._coming.placed(frame, size, at, self._record)
            case Ack(id=request, room=room, seq=seq):
                self._watch.known(room, seq, at)
                if (saying := self._said.answered(request)) is not None:
                    self._record(rows.ACK, at - saying.due, size)
            case Skip(room=room, from_seq=from_seq, to_seq=to_seq):
                self._followed.take(room, from_seq, to_seq)
            case Gap(room=room, to_seq=to_seq) if room in self._followed.at:
                self._followed.at[room] = to_seq
            case Ready():
                yield self._welcomed(frame, size, at)
            case RoomStates(id=request):
                yield from (
                    self._placed(frame, size, at) if request == _RESUME else self._listed(frame, at)
                )
            case Error():
                self._refused(frame, at)
            case Goaway():
                self.goaway = frame
            case Ok() | _:
                pass  # the answer to Refresh; heads, pointers, counts and who types are not asked for

    def ended(self, now: float) -> None:
        """The socket is gone, whoever ended it; what has no answer is said again on the next."""
        if self.live:
            self._dropped_at = now
        if self._coming:
            self._coming.broken()
        self.live, self.goaway = False, None
        self._followed.live_at = None
        self._said.broken()

    def quiet(self) -> None:
        """Say nothing new from now on."""
        self._pace, self._coming = Pace(0.0, 0.0), None

    def leave(self) -> None:
        """For good: whatever comes from now on is not missed here."""
        self._watch.leave(self._followed)

    def _welcomed(self, ready: Ready, size: int, at: float) -> Client:
        self._record(rows.CONNECT, at - self._began_at, size)
        self._me, self._generation = ready.person, ready.generation
        self._heartbeat_s = ready.heartbeat_ms / 1000
        self.token_ends_at = at + (ready.token_expires_ms - ready.server_time_ms) / 1000
        self._asked_at = at
        if self._followed.at:
            return Resume(_RESUME, ready.generation, list(self._followed.at.items()))
        return Resume(_LIST, None, [])

    def _listed(self, states: RoomStates, at: float) -> Iterator[Client]:
        """Which rooms are mine: live in all that are new to me, from now on."""
        joined = [state for state in states.rooms if state.status == "joined"]
        mine = [(each.room, each.head) for each in joined if each.room not in self._followed.at]
        self._asked_at = at
        yield Resume(_RESUME, self._generation, mine)

    def _placed(self, states: RoomStates, size: int, at: float) -> Iterator[Client]:
        for state in states.rooms:
            if state.status in ("live", "gap"):
                held = self._followed.at.get(state.room)
                if state.status == "live" and held is not None and state.from_seq > held + 1:
                    self._record(rows.DELIVERY, None, 0, "left out by a resume")
                self._followed.at[state.room] = state.from_seq - 1
                self._caught_up[state.room] = state.head
                self._watch.follow(state.room, self._followed)
                self._watch.known(state.room, state.head, at)
        self._rooms = [room for room in self._followed.at if room != self._me]
        self.live, self._followed.live_at = True, at
        self._record(rows.RESUME, at - self._asked_at, size)
        if self._dropped_at is not None:
            self._record(rows.BACK, at - self._dropped_at)
            self._dropped_at = None
        if self._pace is None:
            self._pace = pace.begin(self._manner.every_s, at, self._random)
        yield from self._said.send(at)

    def _refused(self, error: Error, at: float) -> None:
        said = f"{_name(error.code)}: {error.message}"
        saying = self._said.answered(error.id)
        if saying is not None:
            self._give_up(saying, at, f"refused, {said}")
        elif error.id == _FIXES and self._coming:
            self._coming.failed(at, self._record, f"refused, {said}")
        elif not self.live:
            self.refused = said

    def _arrived(self, entry: Entry, size: int, now: Clocks) -> None:
        at = now.monotonic_s
        wrong = self._followed.take(entry.room, entry.seq, entry.seq)
        if wrong is not None:
            self._record(rows.DELIVERY, None, size, wrong)
        self._watch.known(entry.room, entry.seq, at)
        if entry.author == self._me:
            return
        old = age(entry.body.text, self._manner.machine, now)
        if old is None:
            return
        if entry.seq <= self._caught_up.get(entry.room, 0):
            self._record(rows.CAUGHT_UP, old.seconds, size)
        else:
            self._record(rows.DELIVERY_FAR if old.far else rows.DELIVERY, old.seconds, size)

    def _give_up(self, saying: Saying | None, at: float, why: str) -> None:
        if saying is not None:
            self._record(rows.ACK, at - saying.due, 0, why)


def _name(code: int) -> str:
    try:
        return Code(code).name
    except ValueError:
        return str(code)
