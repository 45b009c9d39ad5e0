"""Delivery: every device got every entry of what it followed, once, in order; or was told why not.

Owns what is missing in the end: lost where nothing was said, unfetched where a gap was told and no page covers it.
"""

from __future__ import annotations

from uuid import UUID

from loadtest.torture.checker.books import Books, DeviceBooks
from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.following import Following
from loadtest.torture.checker.silence import Silence
from loadtest.torture.checker.truth import RoomTruth, Truth

Followings = dict[tuple[UUID, UUID], Following]
"""By device and room."""


def check_delivery(
    books: Books, truth: Truth, silence: Silence, findings: Findings
) -> tuple[Followings, int]:
    """What each device has of each room, and how many entries were delivered: skips are none."""
    followings: Followings = {}
    delivered = 0
    for device in books.devices.values():
        for room_id, frames in device.frames.items():
            room = truth.rooms.get(room_id)
            if room is None:
                says = f"device {device.device} was told of room {room_id}, which is not in the log"
                findings.add(Rule.phantom, says, room=room_id, device=device.device)
                continue
            following = Following(device, books.links, truth, silence, findings)
            for frame in frames:
                following.take(room, frame)
            _settle_end(device, room, following)
            _check_missing(room, following, findings)
            delivered += len(following.delivered)
            followings[device.device, room_id] = following
    return followings, delivered


def is_there(device: DeviceBooks) -> bool:
    """Whether the device holds a socket when the history ends."""
    return bool(device.links) and device.links[-1].ended is None


def end_for(room: RoomTruth, person: UUID, at: int) -> int:
    """Where the log ends for somebody who is at `at` and follows: their present span's end, or the head."""
    for span in room.spans.get(person, ()):
        if span.to_seq is None:
            return room.room.head
        if span.to_seq >= at:
            return span.to_seq
    return at


def _settle_end(device: DeviceBooks, room: RoomTruth, following: Following) -> None:
    """A device that is there and follows is owed everything up to the end; another what came before it went."""
    last = device.links[-1] if device.links else None
    here = is_there(device) and last is not None and following.connection == last.began.connection
    following.live = following.live and here
    now = following.now
    if following.live and now is not None:
        now.edge = max(now.edge, end_for(room, device.person, now.edge))


def _check_missing(room: RoomTruth, following: Following, findings: Findings) -> None:
    for stretch in following.stretches:
        for seq in range(max(stretch.began, room.room.floor) + 1, stretch.edge + 1):
            if seq in stretch.covered or not room.sees(following.person, seq):
                continue
            if any(
                jump.low <= seq <= jump.high and seq > end_for(room, following.person, jump.low - 1)
                for jump in stretch.outside
            ):
                continue
            told = [gap for gap in stretch.gaps if gap.low <= seq <= gap.high]
            if told and not _could_fetch(room, following, told[0].high):
                continue
            findings.add(
                Rule.unfetched if told else Rule.lost,
                f"device {following.device} never got seq {seq} of room {room.room.room}"
                + (": it was told a gap there, and fetched no page that covers it" if told else ""),
                room=room.room.room,
                seq=seq,
                device=following.device,
            )


def _could_fetch(room: RoomTruth, following: Following, high: int) -> bool:
    """Whether the device stayed, and its person with it: else it may have been refused, or gone before it asked."""
    spans = room.spans.get(following.person, ())
    return following.live and not any(
        span.to_seq is not None and span.to_seq >= high for span in spans
    )
