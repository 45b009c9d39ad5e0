"""One device in one room, frame by frame: what it has, from where it follows, what it was told it will not get.

A stretch is what a device holds without a break: it begins where the device said it was, and ends when it forgets the
room, goes back, or comes in again. Everything in it that its person may see was to come exactly once.

Owns the reading of the frames' order: duplicated, reordered, stray, and skips that were not due. What is missing in
the end is delivery.py's. Must never take the device's word for what was visible: the rows say it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from loadtest.torture import history as h
from loadtest.torture.checker.books import DeviceBooks, Frame, Link
from loadtest.torture.checker.content import check_content
from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.silence import Silence
from loadtest.torture.checker.truth import FOLDED, RoomTruth, Truth


class Range(NamedTuple):
    """Seqs of a room, both ends included."""

    low: int
    high: int


@dataclass(slots=True)
class Stretch:
    """`began` .. `edge`: from after where it began up to where it was told to be. `frames`: how many came before it.

    `covered`: every seq that is settled (delivered, skipped, inside a fetched page), and when. `outside`: jumped over
    when it came in again, and owed only up to the end of the membership it was in.
    """

    began: int
    edge: int
    frames: int
    covered: dict[int, int] = field(default_factory=dict)
    delivered: dict[int, int] = field(default_factory=dict)
    gaps: list[Range] = field(default_factory=list)
    outside: list[Range] = field(default_factory=list)


class Following:
    """See the module; `take` every frame in order, then read the fields."""

    def __init__(
        self,
        device: DeviceBooks,
        links: dict[str, Link],
        truth: Truth,
        silence: Silence,
        findings: Findings,
    ) -> None:
        self.device = device.device
        self.person = device.person
        self.stretches: list[Stretch] = []
        self.now: Stretch | None = None
        """The last stretch, unless it is over."""
        self.live = False
        self.connection: str | None = None
        self.awaited = 0
        """Since when, in ns, it has wished to be there."""
        self._links = links
        self._truth = truth
        self._silence = silence
        self._findings = findings
        self._generation: UUID | None = None
        self._followed = 0
        self._frames = 0

    @property
    def delivered(self) -> dict[int, int]:
        """Every entry it got, and when last."""
        return {seq: t for stretch in self.stretches for seq, t in stretch.delivered.items()}

    @property
    def covered(self) -> dict[int, int]:
        """Every seq that was ever settled, and when first."""
        found: dict[int, int] = {}
        for stretch in self.stretches:
            for seq, t in stretch.covered.items():
                found.setdefault(seq, t)
        return found

    def take(self, room: RoomTruth, frame: Frame) -> None:
        """The next frame, of this room."""
        self._frames += 1
        match frame:
            case h.Resumed():
                self._resumed(room, frame)
            case h.Deliver():
                if self._is_asked_for(room, frame, frame.seq):
                    self._deliver(room, frame)
            case h.Skip():
                if self._is_asked_for(room, frame, frame.from_seq):
                    self._skip(room, frame)
            case h.Gap():
                if self._is_asked_for(room, frame, frame.from_seq):
                    now = self.now or self._begin(frame.from_seq - 1)
                    now.gaps.append(Range(frame.from_seq, frame.to_seq))
                    now.edge = max(now.edge, frame.to_seq)
            case h.Fetched():
                self._fetched(room, frame)
            case h.Changed():
                for item in frame.items:
                    check_content(room, item, self.person, self.device, self._findings)

    def _begin(self, at: int) -> Stretch:
        self.now = Stretch(at, at, self._frames)
        self.stretches.append(self.now)
        return self.now

    # Where it follows from

    def _resumed(self, room: RoomTruth, frame: h.Resumed) -> None:
        same_socket = frame.connection == self.connection
        link = self._links[frame.connection]
        if not same_socket:
            self._came(link)
        was_live = self.live and same_socket
        self.connection, self.live = frame.connection, frame.status in ("live", "gap")
        if frame.status == "removed":
            self._removed(room)
        if not self.live:
            return
        self._followed = frame.t
        before, asked = frame.from_seq - 1, frame.asked
        now = self.now
        if now and any(span.to_seq == now.edge for span in room.spans.get(self.person, ())):
            now = None  # it had everything up to its going, and forgot the room
        if now is None:
            now = self._begin(before if asked is None else min(before, asked))
        elif asked is None and not was_live and before > now.edge:
            now = self._begin(before)  # "from now on"
        elif asked is not None and asked < now.edge and asked <= before:
            now.edge = asked  # it goes back, and is owed what follows once more
            now = self._begin(asked)
        elif asked is not None and asked > now.edge:
            now = self._jump(now, asked)  # it comes in again, after its person was out
        if frame.status == "gap":
            now.gaps.append(Range(now.edge + 1, before))
        elif before > now.edge:
            now = self._jump(now, before)
        now.edge = max(now.edge, before)

    def _jump(self, now: Stretch, at: int) -> Stretch:
        now.outside.append(Range(now.edge + 1, at))
        now.edge = at
        return self._begin(at)

    def _came(self, link: Link) -> None:
        generation = link.began.generation
        if self._generation is not None and generation != self._generation:
            # Another log: positions mean nothing any more, and neither does what was got by them.
            self.stretches.clear()
            self.now = None
        self._generation = generation
        last = self._links.get(self.connection or "")
        if last is None or last.ended is None or last.ended.clean:
            self.awaited = link.began.t

    def _removed(self, room: RoomTruth) -> None:
        """Right if its person has been out at any time after what it holds."""
        at, spans = self.now.edge if self.now else 0, room.spans.get(self.person, ())
        if self.now is not None and not any(
            span.to_seq is not None and span.to_seq >= at for span in spans
        ):
            self._findings.add(
                Rule.lost,
                f"device {self.device} was told at {at} that room {room.room.room} is not its person's, who is in",
                room=room.room.room,
                seq=at,
                device=self.device,
            )
        self.now = None

    def _is_asked_for(self, room: RoomTruth, frame: h.Deliver | h.Skip | h.Gap, seq: int) -> bool:
        """Whether this frame belongs to what the device follows; false also for what the protocol lets it drop."""
        if frame.connection == self.connection and self.live:
            return True
        if room.room.room == self.person and frame.connection != self.connection:
            return False  # the self log speaks from Ready on, and again from the position resumed
        ends = [span.to_seq or 0 for span in room.spans.get(self.person, ())]
        if frame.connection == self.connection and seq <= max(ends, default=0):
            return False  # the rest of a membership that is over, to a device that was slow
        self._findings.add(
            Rule.stray,
            f"device {self.device} was sent seq {seq} of room {room.room.room}, which it does not follow there",
            room=room.room.room,
            seq=seq,
            device=self.device,
        )
        return False

    # What it gets

    def _deliver(self, room: RoomTruth, frame: h.Deliver) -> None:
        if not self._is_of_a_lost_log(room, frame.seq, frame.t):
            check_content(room, frame, self.person, self.device, self._findings)
        if self._settle(room, frame.seq, frame.t, "delivered") and self.now is not None:
            self.now.delivered[frame.seq] = frame.t

    def _skip(self, room: RoomTruth, frame: h.Skip) -> None:
        for seq in range(frame.from_seq, frame.to_seq + 1):
            row = room.rows.get(seq)
            asked = max(self._followed, self._silence.asked_at(row)) if row else 0
            if row is None:
                if not self._is_of_a_lost_log(room, seq, frame.t):
                    self._add(Rule.phantom, room, seq, "was skipped, and is not in the log")
            elif not self._silence.may_skip(room, self.person, row, asked, frame.t):
                self._add(Rule.skip, room, seq, f"was skipped: a {row.kind} that is for them")
            self._settle(room, seq, frame.t, "skipped")

    def _settle(self, room: RoomTruth, seq: int, t: int, how: str) -> bool:
        """Note that this seq has come; false if it had before."""
        now = self.now or self._begin(seq - 1)
        if seq in now.covered:
            before = "delivered" if seq in now.delivered else "skipped or fetched"
            self._add(Rule.duplicated, room, seq, f"was {how} after it had been {before}")
            return False
        if seq <= now.began:
            self._add(Rule.duplicated, room, seq, f"was {how} to a device that holds {now.began}")
        elif seq <= now.edge and not any(low <= seq <= high for low, high in now.gaps):
            self._add(Rule.reordered, room, seq, f"was {how} after {now.edge}")
        now.covered[seq] = t
        now.edge = max(now.edge, seq)
        return True

    def _fetched(self, room: RoomTruth, frame: h.Fetched) -> None:
        now = self.now or self._begin(frame.from_seq - 1)
        items = {item.seq: item for item in frame.items}
        for item in frame.items:
            if not self._is_of_a_lost_log(room, item.seq, frame.t):
                check_content(room, item, self.person, self.device, self._findings)
            if item.seq in now.covered:
                self._add(Rule.duplicated, room, item.seq, "was fetched after it had come already")
            else:
                now.delivered[item.seq] = frame.t
        for seq in range(frame.from_seq, frame.to_seq + 1):
            row = room.rows.get(seq)
            if (
                row is not None
                and seq not in items
                and seq not in now.covered
                and row.kind not in FOLDED
                and not self._silence.may_leave_out(room, self.person, row, frame.t)
            ):
                self._add(Rule.lost, room, seq, "is missing in the page that covers it")
            now.covered.setdefault(seq, frame.t)
        if frame.from_seq <= now.edge + 1:
            now.edge = max(now.edge, frame.to_seq)

    def _is_of_a_lost_log(self, room: RoomTruth, seq: int, t: int) -> bool:
        return self._truth.rewound(room.room.room, seq, t)

    def _add(self, rule: Rule, room: RoomTruth, seq: int, says: str) -> None:
        self._findings.add(
            rule,
            f"device {self.device}: seq {seq} of room {room.room.room} {says}",
            room=room.room.room,
            seq=seq,
            device=self.device,
        )
