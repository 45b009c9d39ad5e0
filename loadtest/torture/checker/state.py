"""State: the log folded, the same over REST for a client without a past, and what each device made of its frames agree.

Owns that comparison, member by member and message by message, and the count of what is unread. What a block hides by
now, or hid once, is not compared: both are right.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from loadtest.torture import history as h
from loadtest.torture.checker.books import Books, DeviceBooks
from loadtest.torture.checker.content import check_content
from loadtest.torture.checker.delivery import Followings
from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.fold import Fold
from loadtest.torture.checker.following import Stretch
from loadtest.torture.checker.silence import LARGE_ROOM, Silence
from loadtest.torture.checker.truth import RoomTruth, Truth
from proto.entry import EntryKind

UNREAD_TOLD: Final = 99
"""Above this the service may say less than there is: nobody reads such a badge."""


class State:
    """The fresh views of all people, against the rows and against their devices."""

    def __init__(self, books: Books, truth: Truth, silence: Silence, findings: Findings) -> None:
        self._books = books
        self._truth = truth
        self._silence = silence
        self._findings = findings
        self._members = {(m.room, m.person): m.members for m in books.fresh_members}
        self._views: dict[tuple[UUID, UUID], Fold] = {}
        for (room_id, person), pages in books.fresh_pages.items():
            view = self._views[room_id, person] = Fold()
            for page in pages:
                view.items(page.items, 0)

    def check(self, followings: Followings) -> None:
        """Everything that was read in the end."""
        for (room_id, person), pages in self._books.fresh_pages.items():
            room = self._truth.rooms.get(room_id)
            if room is None:
                says = (
                    f"a fresh client of {person} was shown room {room_id}, which is not in the log"
                )
                self._findings.add(Rule.phantom, says, room=room_id)
                continue
            for page in pages:
                for item in page.items:
                    check_content(room, item, person, None, self._findings)
            self._check_pages(room, person)
        for shown in self._books.fresh_rooms:
            self._check_unread(shown)
        for (device_id, room_id), following in followings.items():
            device, room = self._books.devices[device_id], self._truth.rooms[room_id]
            if following.live and following.now and self._is_in(room, device.person):
                self._check_device(device, room, following.now)

    def _is_in(self, room: RoomTruth, person: UUID) -> bool:
        return any(span.to_seq is None for span in room.spans.get(person, ()))

    def _compared(self, room: RoomTruth, person: UUID) -> tuple[set[UUID], set[int]]:
        """Authors this person ever hid, and messages such authors reacted to."""
        hidden = self._silence.ever(person)
        touched = {
            row.body.target
            for row in room.rows.values()
            if row.author in hidden and row.body.target is not None
        }
        return hidden, touched

    def _check_pages(self, room: RoomTruth, person: UUID) -> None:
        """REST against the rows: every message that this person may see, as it reads now, and no other."""
        if not self._is_in(room, person) or room.room.kind == "self":
            return  # who is out reads old pages as they read now: nothing here says how that is
        folded, view = Fold(), self._views[room.room.room, person]
        folded.entries(room.rows[seq] for seq in sorted(room.rows))
        hidden, touched = self._compared(room, person)
        for seq, message in folded.messages.items():
            if seq <= room.room.floor or message.author in hidden or not room.sees(person, seq):
                continue
            shown = view.messages.get(seq)
            if shown is None:
                self._add(room, seq, f"a fresh client of {person} is not shown message {seq}")
            elif seq not in touched and shown.reads() != message.reads():
                says = f"message {seq} reads {shown.reads()[1:]} for {person}, {message.reads()[1:]} by the log"
                self._add(room, seq, says)
        self._check_members(room, folded.roles, person, f"a fresh client of {person}")

    def _check_members(
        self, room: RoomTruth, roles: dict[UUID, str | None], person: UUID, who: str
    ) -> None:
        shown = self._members.get((room.room.room, person))
        if shown is None:
            return
        for other, role in roles.items():
            if shown.get(other) != role:
                says = f"{other} is {role or 'out'} by what {who} was told, {shown.get(other) or 'out'} by REST"
                self._add(room, None, says)

    def _check_unread(self, shown: h.FreshRoom) -> None:
        room = self._truth.rooms.get(shown.room)
        if room is None or not self._is_in(room, shown.person):
            return
        since = max(shown.read, room.spans[shown.person][-1].from_seq - 1)
        hidden = {blocked for blocker, blocked in self._books.blocks if blocker == shown.person}
        unread = sum(
            row.kind is EntryKind.post
            and row.seq > since
            and row.seq not in room.deletions
            and row.author != shown.person
            and row.author not in hidden
            for row in room.rows.values()
        )
        if min(unread, UNREAD_TOLD) != min(shown.unread, UNREAD_TOLD):
            self._add(
                room, None, f"{shown.person} has {unread} unread, and is shown {shown.unread}"
            )
        for op in self._books.ops.values():
            read = op.invoke
            if (
                read.op == "read"
                and (read.author, read.room) == (shown.person, shown.room)
                and op.ok
                and shown.read < min(read.seq or 0, room.room.head)
                and not self._truth.undone(read.t)
            ):
                self._add(
                    room,
                    read.seq,
                    f"{shown.person} read up to {read.seq}, and is shown {shown.read}",
                )

    def _check_device(self, device: DeviceBooks, room: RoomTruth, held: Stretch) -> None:
        """A device that has everything since it came in: its fold against what a fresh client is shown."""
        room_id, person = room.room.room, device.person
        view = self._views.get((room_id, person))
        if view is None or room.room.kind == "self":
            return
        folded, who = fold_of(device.frames[room_id][held.frames :]), f"device {device.device}"
        hidden, touched = self._compared(room, person)
        for seq, shown in view.messages.items():
            if seq not in held.covered or shown.author in hidden:
                continue
            has = folded.messages.get(seq)
            if has is None:
                if not shown.deleted:
                    self._add(room, seq, f"{who} does not show message {seq}", device.device)
            elif seq not in touched and has.reads() != shown.reads():
                says = f"{who} shows {has.reads()[1:]} at {seq}, a fresh client {shown.reads()[1:]}"
                self._add(room, seq, says, device.device)
        largest = max((row.body.members or 0 for row in room.rows.values()), default=0)
        saw_all = room.spans[person][-1].from_seq <= held.began + 1
        if largest < LARGE_ROOM and saw_all:
            self._check_members(room, folded.roles, person, who)

    def _add(self, room: RoomTruth, seq: int | None, says: str, device: UUID | None = None) -> None:
        room_id = room.room.room
        self._findings.add(
            Rule.state, f"room {room_id}: {says}", room=room_id, seq=seq, device=device
        )


def fold_of(frames: Iterable[object]) -> Fold:
    """What a device makes of its frames of one room."""
    folded = Fold()
    for frame in frames:
        match frame:
            case h.Deliver():
                folded.entries([frame])
            case h.Fetched() | h.Changed():
                folded.page(frame)
            case _:
                pass
    return folded
