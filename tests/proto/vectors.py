"""Owns docs/vectors.json: one or more vectors per frame, and inputs that must be refused.

`python -m tests.proto.vectors` writes the file anew; test_vectors.py fails while it differs from
what the code says. Every id and time is fixed, so that the bytes are too.
"""

import json
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgpack

from proto import frames, limits
from proto.codec import CODECS, JSON, MSGPACK, BadFrame
from proto.entry import Body, EntryKind, LinkPreview, Poll

_UNITS: Final = (1, len(f'"{UUID(int=0)}",'))
PATH: Final = Path(__file__).parents[2] / "docs" / "vectors.json"


def _id(number: int) -> UUID:
    return UUID(int=0x019A_0000_0000_7000_8000_0000_0000_0000 + number)


ADA, BOB, ROOM, SESSION, DEVICE, GENERATION, FILE = (_id(n) for n in (1, 2, 3, 4, 5, 6, 7))
NOW_MS: Final = 1_767_225_600_000
_POLL: Final = Poll(["pizza", "dumplings"], closes_at_ms=NOW_MS + 3_600_000)
_LIMITS: Final = frames.Limits(65_536, 8_000, 1_000, 5.0, 20)


def _entry(seq: int, kind: EntryKind, body: Body, subject: UUID | None = None) -> frames.Entry:
    return frames.Entry(0, ROOM, seq, seq, kind, ADA, subject, "c-1", NOW_MS, body)


CLIENT: Final[dict[str, frames.Client]] = {
    "auth": frames.Auth(1, "header.payload.signature", "demo", "1.2.3", "ios", "install-1"),
    "auth, only what is required": frames.Auth(1, "header.payload.signature"),
    "resume": frames.Resume(2, GENERATION, [(ROOM, 41), (ADA, 7)], [ROOM]),
    "resume, first time": frames.Resume(2, None, []),
    "attend": frames.Attend(3, [(ROOM, 41), (BOB, None)]),
    "attention": frames.Attention(4, "background"),
    "post": frames.Post(5, ROOM, "c-1", "hello, Grüße, 你好 👋"),
    "post, every field": frames.Post(
        6, ROOM, "c-2", "look", [BOB], True, 40, [FILE], {"kind": "poll", "n": 3, "open": True}
    ),
    "edit": frames.Edit(7, ROOM, "c-3", 42, "hello!", [BOB]),
    "edit, target by client id": frames.Edit(8, ROOM, "c-4", "c-1", "hello!"),
    "delete": frames.Delete(9, ROOM, "c-5", 42),
    "react": frames.React(10, ROOM, "c-6", 42, "👍"),
    "unreact": frames.Unreact(11, ROOM, "c-7", 42, "👍"),
    "typing": frames.Typing(0, ROOM),
    "received": frames.Received(0, [(ROOM, 42)]),
    "read": frames.Read(12, [(ROOM, 42)]),
    "refresh": frames.Refresh(13, "header.payload.signature"),
    "ping": frames.Ping(14),
    "post, a poll": frames.Post(15, ROOM, "c-8", "What shall we eat?", poll=_POLL),
    "vote": frames.Vote(16, ROOM, "c-9", 54, [1]),
    "vote, taken back": frames.Vote(17, ROOM, "c-10", "c-8", []),
    "close poll": frames.ClosePoll(18, ROOM, "c-11", 54),
    "attention, at a room": frames.Attention(0, "active", ROOM),
    "watch": frames.Watch(19, True, [BOB], [ROOM]),
    "watch, nobody": frames.Watch(20),
    "fixes, one": frames.Fixes(21, [frames.PhoneFix(52.5163, 13.3777, 8.5, NOW_MS)]),
    "fixes, gathered": frames.Fixes(
        22,
        [
            frames.PhoneFix(-33.8568, 151.2153, 12.0, NOW_MS - 60_000, 1.25),
            frames.PhoneFix(-33.8566, 151.2151, 65.0, NOW_MS, None, True),
        ],
    ),
    "crossings": frames.Crossings(23, [frames.PhoneCrossing(ROOM, True, NOW_MS)]),
}

SERVER: Final[dict[str, frames.Server]] = {
    "ready": frames.Ready(
        1,
        ADA,
        SESSION,
        DEVICE,
        ADA,
        GENERATION,
        NOW_MS,
        25_000,
        NOW_MS + 900_000,
        "",
        _LIMITS,
        1_500,
    ),
    "ack": frames.Ack(5, ROOM, 42, 40, NOW_MS),
    "ack, already committed": frames.Ack(5, ROOM, 42, 40, NOW_MS, False),
    "error": frames.Error(5, 102, "no such room, or you are not in it", False),
    "error, temporary": frames.Error(5, 108, "try again with the same client id", True, 500),
    "ok": frames.Ok(12),
    "room states": frames.RoomStates(
        2,
        GENERATION,
        [
            frames.RoomState(ADA, "live", 8, 9, 0),
            frames.RoomState(ROOM, "live", 42, 44, 42),
            frames.RoomState(BOB, "gap", 900, 900, 880),
            frames.RoomState(_id(8), "head", 4, 3, 2),
            frames.RoomState(_id(9), "joined", 18, 17, 15),
            frames.RoomState(_id(10), "removed", 0, 0, 0),
        ],
    ),
    "entry: post": _entry(42, EntryKind.post, Body(text="hello", mentions=[BOB], here=True)),
    "entry: post, every field": _entry(
        43,
        EntryKind.post,
        Body(text="look", reply_to=40, attachments=[FILE], meta={"kind": "poll", "n": 3}),
    ),
    "entry: edit": _entry(44, EntryKind.edit, Body(target=42, text="hello!")),
    "entry: delete": _entry(45, EntryKind.delete, Body(target=42)),
    "entry: react": _entry(46, EntryKind.react, Body(target=43, emoji="👍")),
    "entry: unreact": _entry(47, EntryKind.unreact, Body(target=43, emoji="👍")),
    "entry: join": _entry(48, EntryKind.join, Body(role="member", members=3), BOB),
    "entry: leave": _entry(49, EntryKind.leave, Body(members=2), BOB),
    "entry: kick": _entry(50, EntryKind.kick, Body(members=2), BOB),
    "entry: role": _entry(51, EntryKind.role, Body(role="moderator"), BOB),
    "entry: settings": _entry(52, EntryKind.settings, Body(title="Lobby", archived=False)),
    "entry: room_added": _entry(8, EntryKind.room_added, Body(room=ROOM, at_seq=48), ADA),
    "entry: room_removed": _entry(9, EntryKind.room_removed, Body(room=ROOM, at_seq=50), ADA),
    "entry: invited": _entry(10, EntryKind.invited, Body(room=ROOM), ADA),
    "entry: read": _entry(11, EntryKind.read, Body(room=ROOM, at_seq=42), ADA),
    "entry: mute": _entry(
        12, EntryKind.mute, Body(room=ROOM, muted_until_ms=NOW_MS, level="mentions"), ADA
    ),
    "entry: block": _entry(13, EntryKind.block, Body(), BOB),
    "entry: unblock": _entry(14, EntryKind.unblock, Body(), BOB),
    "entry: profile": _entry(15, EntryKind.profile, Body(), ADA),
    "entry: contact": _entry(16, EntryKind.contact, Body(state="incoming"), BOB),
    "entry: privacy": _entry(17, EntryKind.privacy, Body()),
    "entry: request": _entry(18, EntryKind.request, Body(room=ROOM, state="requested"), ADA),
    "entry: pin": _entry(52, EntryKind.pin, Body(target=42)),
    "entry: unpin": _entry(53, EntryKind.unpin, Body(target=42)),
    "entry: post, a poll": _entry(54, EntryKind.post, Body(text="What shall we eat?", poll=_POLL)),
    "entry: vote": _entry(55, EntryKind.vote, Body(target=54, choices=[1], was=[])),
    "entry: vote, anonymous": frames.Entry(
        0,
        ROOM,
        56,
        54,
        EntryKind.vote,
        UUID(int=0),
        None,
        "",
        NOW_MS,
        Body(target=54, counts=[3, 1], voters=4),
    ),
    "entry: vote, in my self log": _entry(
        21, EntryKind.vote, Body(room=ROOM, at_seq=54, choices=[0])
    ),
    "entry: poll_closed": _entry(57, EntryKind.poll_closed, Body(target=54)),
    "entry: preview": _entry(
        58,
        EntryKind.preview,
        Body(
            target=42,
            preview=LinkPreview(
                "https://example.org/a", "https://www.example.org/a", "example.org", "A page"
            ),
        ),
    ),
    "entry: reminder": _entry(
        19, EntryKind.reminder, Body(text="book a table", room=ROOM, at_seq=42, job=_id(11))
    ),
    "entry: unsent": _entry(
        20, EntryKind.unsent, Body(text="good morning", room=ROOM, code=103, job=_id(12))
    ),
    "entry: draft": _entry(21, EntryKind.draft, Body(text="shall we", room=ROOM, reply_to=42)),
    "entry: draft, none any more": _entry(22, EntryKind.draft, Body(room=ROOM)),
    "entry: push": _entry(23, EntryKind.push, Body()),
    "entry: event, changed": _entry(
        59, EntryKind.event, Body(state="scheduled", changed=["starts_at_ms", "ends_at_ms"])
    ),
    "entry: event, doors open": _entry(60, EntryKind.event, Body(state="doors_open")),
    "entry: visit, entered": _entry(
        24,
        EntryKind.visit,
        Body(
            room=ROOM, state="entered", source="gps", confidence="high", moment_ms=NOW_MS - 60_000
        ),
    ),
    "entry: visit, left": _entry(
        25,
        EntryKind.visit,
        Body(room=ROOM, state="left", source="region", confidence="low", moment_ms=NOW_MS),
    ),
    "entry: notice, invited": _entry(
        26, EntryKind.notice, Body(room=ROOM, state="invited", title="Open air")
    ),
    "entry: notice, changed": _entry(
        27,
        EntryKind.notice,
        Body(room=ROOM, at_seq=59, state="changed", title="Open air", changed=["starts_at_ms"]),
    ),
    "entry: settings, slow mode": _entry(61, EntryKind.settings, Body(slow_s=30)),
    "entry: silence": _entry(62, EntryKind.silence, Body(until_ms=NOW_MS + 3_600_000), subject=BOB),
    "entry: unsilence": _entry(63, EntryKind.unsilence, Body(), subject=BOB),
    "entry: silence of mine, by staff": _entry(
        28, EntryKind.silence, Body(text="threats", until_ms=NOW_MS + 3_600_000)
    ),
    "skip": frames.Skip(0, ROOM, 53, 60),
    "gap": frames.Gap(0, ROOM, 61, 900),
    "head": frames.Head(0, ROOM, 901, 880, frames.Preview(ADA, EntryKind.post, "hi", NOW_MS)),
    "head, nothing to show": frames.Head(0, ROOM, 902, 880, None),
    "count": frames.Count(0, ROOM, 10_000),
    "typing": frames.TypingNow(0, ROOM, BOB),
    "pointer": frames.Pointer(0, ROOM, BOB, 42, None),
    "goaway": frames.Goaway(0, 4000, "the hub restarts", 1_500, True),
    "pong": frames.Pong(14, NOW_MS),
    "presences": frames.Presences(
        19,
        [
            frames.PersonPresence(ADA, "active", room=ROOM),
            frames.PersonPresence(
                BOB, "idle", NOW_MS + 3_600_000, "lunch", "🍜", NOW_MS + 1_800_000
            ),
        ],
        True,
    ),
    "presences, a change": frames.Presences(0, [frames.PersonPresence(BOB, "offline")]),
    "presences, nothing known": frames.Presences(0, [], True, False),
    "placed": frames.Placed(22, ["judged", "mocked"], [frames.EventPlace(ROOM, "pending_in")]),
    "placed, nowhere": frames.Placed(23, ["no_event"], []),
    "room presence: names": frames.RoomPresence(0, ROOM, "names", None, []),
    "room presence: sample": frames.RoomPresence(
        0, ROOM, "sample", 312, [frames.PersonPresence(BOB, "active")]
    ),
    "room presence: count": frames.RoomPresence(0, ROOM, "count", 7_204, []),
}

_R: Final = str(ROOM)
_BAD_TEXT: Final[dict[str, bytes]] = {
    "nothing": b"",
    "not JSON": b"hello",
    "an object": b"{}",
    "an empty array": b"[]",
    "unknown kind": b"[9999,7]",
    "id missing": b"[14]",
    "id negative": b"[14,-1]",
    "id not a whole number": b"[14,1.5]",
    "id over 2^31 - 1": b"[14,2147483648]",
    "truncated": b'[5,1,"',
    "trailing": b"[14,1] 2",
    "nested too deep": b"[14,1," + b"[" * 20_000,
    "room is no UUID": b'[10,1,"lobby"]',
    "post without text": f'[5,7,"{_R}","c-1"]'.encode(),
    "text too long": f'[5,7,"{_R}","c-1","{"x" * (limits.TEXT_CHARS + 1)}"]'.encode(),
    "empty client id": f'[5,7,"{_R}","","hi"]'.encode(),
    "NUL in text": f'[5,7,"{_R}","c-1","a\\u0000b"]'.encode(),
    "lone surrogate in text": f'[5,7,"{_R}","c-1","\\udc00"]'.encode(),
    "invalid UTF-8": b'[1,1,"\xff"]',
    "meta too large": f'[6,7,"{_R}","c-1",1,"",null,false,{{"k":"{"v" * 2048}"}}]'.encode(),
    "unknown attention": b'[4,7,"asleep"]',
    "watching 10,000 people": b"[17,7,false,[" + b",".join([f'"{_R}"'.encode()] * 10_000) + b"]]",
    "watching 501 people": b"[17,7,false,[" + b",".join([f'"{_R}"'.encode()] * 501) + b"]]",
    "no fixes": b"[18,7,[]]",
    "51 fixes": b"[18,7,[" + b",".join([b"[52.5,13.4,10,0]"] * 51) + b"]]",
    "a fix that is not one": b'[18,7,[["52.5",13.4,10,0]]]',
    "a fix before 1970": b"[18,7,[[52.5,13.4,10,-1]]]",
    "21 crossings": b"[19,7,[" + b",".join([f'["{_R}",true,0]'.encode()] * 21) + b"]]",
    "watching 51 rooms": b"[17,7,false,[],[" + b",".join([f'"{_R}"'.encode()] * 51) + b"]]",
    "a frame too large": b'[1,1,"' + b"x" * limits.FRAME_BYTES + b'"]',
}
_BAD_BINARY: Final[dict[str, bytes]] = {
    "nothing": b"",
    "a reserved byte": b"\xc1",
    "a map": msgpack.packb({}),
    "unknown kind": msgpack.packb([9999, 7]),
    "id missing": msgpack.packb([14]),
    "id of 64 bits": msgpack.packb([14, 2**64 - 1]),
    "truncated": msgpack.packb([5, 1, ROOM.bytes, "c-1", "hello"])[:-1],
    "trailing": msgpack.packb([14, 1]) + b"\x00",
    "nested too deep": b"\x93\x0e\x01" + b"\x91" * 20_000,
    "array that claims 4 billion": b"\xdd\xff\xff\xff\xff\x0e",
    "string that claims 4 billion": b"\x95\x05\x07\xdb\xff\xff\xff\xff",
    "extension type": msgpack.packb([14, msgpack.ExtType(5, b"x")]),
    "timestamp in meta": msgpack.packb(
        [5, 7, ROOM.bytes, "c-1", "x", None, False, None, None, {"t": msgpack.Timestamp(1)}]
    ),
    "room of 15 bytes": msgpack.packb([10, 7, ROOM.bytes[:15]]),
    "text as binary": msgpack.packb([5, 7, ROOM.bytes, "c-1", b"hello"]),
    "NUL in text": msgpack.packb([5, 7, ROOM.bytes, "c-1", "a\0b"]),
    "encoded surrogate in text": b"\x95\x05\x07\xc4\x10" + ROOM.bytes + b"\xa1c\xa3\xed\xa0\x80",
    "meta not finite": msgpack.packb(
        [5, 7, ROOM.bytes, "c-1", "x", None, False, None, None, {"n": float("inf")}]
    ),
}


def document() -> dict[str, Any]:
    """Everything docs/vectors.json holds."""
    return {
        "about": "Generated from proto/ by `python -m tests.proto.vectors`; see protocol.md.",
        "client": [_good(name, frame) for name, frame in CLIENT.items()],
        "server": [_good(name, frame) for name, frame in SERVER.items()],
        "refused": [
            *(_bad(name, limits.SUBPROTOCOL_JSON, data) for name, data in _BAD_TEXT.items()),
            *(_bad(name, limits.SUBPROTOCOL_MSGPACK, data) for name, data in _BAD_BINARY.items()),
        ],
    }


def _good(name: str, frame: frames.Client | frames.Server) -> dict[str, Any]:
    return {
        "name": name,
        "frame": type(frame).__name__,
        "json": JSON.encode(frame).decode(),
        "msgpack": MSGPACK.encode(frame).hex(),
    }


def _bad(name: str, subprotocol: str, data: bytes) -> dict[str, Any]:
    try:
        CODECS[subprotocol].decode(data)
    except BadFrame as refusal:
        return {
            "name": name,
            "subprotocol": subprotocol,
            **({"hex": data.hex()} if len(data) <= 4_096 else {"hex_runs": _runs(data)}),
            "refusal": str(refusal),
            "request_id": refusal.known,
            "too_large": refusal.too_large,
        }
    raise AssertionError(f"{name} is not refused")


def _runs(data: bytes) -> list[list[Any]]:
    """Long inputs repeat a byte, or a UUID in quotes and a comma: written as [hex, times] pairs."""
    runs: list[list[Any]] = []
    at = 0
    while at < len(data):
        unit, times = max(((size, _times(data, at, size)) for size in _UNITS), key=_covered)
        block = data[at : at + unit].hex()
        at += unit * times
        if times == 1 and runs and runs[-1][1] == 1:
            runs[-1][0] += block
        else:
            runs.append([block, times])
    return runs


def _times(data: bytes, at: int, unit: int) -> int:
    """How often what stands here is said, one after another."""
    block, times = data[at : at + unit], 1
    while data.startswith(block, at + unit * times) and len(block) == unit:
        times += 1
    return times


def _covered(run: tuple[int, int]) -> int:
    """Bytes that a run says; one that repeats nothing says its first byte."""
    unit, times = run
    return unit * times if times > 1 else unit == 1


def text() -> str:
    """The file's text."""
    return json.dumps(document(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
