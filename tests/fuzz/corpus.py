"""The inputs to begin with: every vector of the protocol, broken ones too, and what was worth keeping.

Owns tests/fixtures/corpus.jsonl, an input a line: the target, and the bytes in hex.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import msgpack

from proto import frames
from proto.codec import JSON, MSGPACK
from tests.fakes.hub import token
from tests.proto import vectors
from tests.realtime.sockets.door import handshake
from tests.realtime.sockets.door import masked as masked_by

masked: Final = partial(masked_by, key=bytes(4))
"""A mask of zeros: what is changed on the wire is changed in the frame alike."""

PATH: Final = Path(__file__).parents[1] / "fixtures" / "corpus.jsonl"
_CONTROLS: Final = (
    masked(9, b"!"),
    masked(10, b""),
    masked(8, b""),
    masked(8, b"\x03\xe8bye"),
    masked(8, b"\x03\xed"),
    masked(9, b"x" * 126),
    masked(11, b""),
    b"\x82\x01x",
    b"\xc2\x80\x00\x00\x00\x00",
)


_CLIENT: Final[list[frames.Client]] = list(vectors.CLIENT.values())
_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, 1, -1, 255, 2**31 - 1, 2**31, 2**53 - 1, 2**53, 2**64 - 1, 0.5, 1e300),
    *("", " ", "x", "\u0000", "é" * 64, "x" * 65, "x" * 8_001, str(vectors.ROOM), str(vectors.ADA)),
    *([], {}, [[]], [None], [str(vectors.ROOM)], [[str(vectors.ROOM), 0]], {"a": 1}, {"": ""}),
)
"""What may stand in any place of a frame, rightly or not."""


def seeds(target: str) -> list[bytes]:
    """What `target` begins with, in a fixed order."""
    made = {"codec": _frames, "inlet": _streams, "connection": _talks}[target]()
    return [*made, *kept(target)]


def talk(rng: Random) -> bytes:
    """Somebody who has authenticated and speaks well-formed frames, some with a field that is not as it should be."""
    text = rng.randrange(2)
    stream = b""
    for _ in range(rng.randint(1, 6)):
        frame = json.loads(JSON.encode(rng.choice(_CLIENT)))
        for _ in range(rng.randint(0, 2)):
            frame[rng.randrange(len(frame))] = rng.choice(_VALUES)
        data = json.dumps(frame).encode() if text else msgpack.packb(frame)
        stream += masked(2 - text, data) + (rng.choice(_CONTROLS) if rng.random() < 0.1 else b"")
    return bytes([text, rng.randrange(256)]) + stream


def kept(target: str) -> list[bytes]:
    """What earlier runs found worth keeping."""
    lines = [json.loads(line) for line in PATH.read_text().splitlines()]
    return [bytes.fromhex(line["input"]) for line in lines if line["target"] == target]


def keep(target: str, found: Iterable[bytes]) -> None:
    """Write `found` in place of what was kept for `target`; the others stay."""
    lines = [line for line in PATH.read_text().splitlines() if json.loads(line)["target"] != target]
    lines += [json.dumps({"target": target, "input": one.hex()}) for one in sorted(found)]
    PATH.write_text("".join(f"{line}\n" for line in sorted(lines)))


def _frames() -> list[bytes]:
    several: list[frames.Client | frames.Server] = [*_CLIENT, *vectors.SERVER.values()]
    return [codec.encode(frame) for codec in (MSGPACK, JSON) for frame in several]


def _streams() -> list[bytes]:
    """Whole frames, frames in two pieces, and controls between: binary (0) and text (1)."""
    made = []
    for text, codec in enumerate((MSGPACK, JSON)):
        head = bytes([text, 0])
        for frame in vectors.CLIENT.values():
            data = codec.encode(frame)
            cut = len(data) // 2
            split = masked(2 - text, data[:cut], fin=False), masked(0, data[cut:])
            made.append(head + masked(2 - text, data) * 2)
            made += [head + control.join(split) for control in _CONTROLS]
    return made


def _talks() -> list[bytes]:
    """Somebody who has authenticated (0 binary, 1 text), who has not (2, 3), and whole openings (4, 5)."""
    made = []
    for text, codec in enumerate((MSGPACK, JSON)):
        several = [masked(2 - text, codec.encode(one)) for one in _CLIENT]
        auth = masked(2 - text, codec.encode(frames.Auth(1, token())))
        made += [bytes([text, 0]) + b"".join(several[1:]) + control for control in _CONTROLS]
        made += [bytes([text, 0]) + one for one in several]
        made += [bytes([2 + text, 0]) + auth + several[-1], bytes([2 + text, 0]) + several[-1]]
        opening = handshake(
            f"muster.v1.{'json' if text else 'msgpack'}", Sec_WebSocket_Key="x" * 22 + "=="
        )
        made += [bytes([4 + text, 0]) + opening, bytes([4 + text, 0]) + opening + auth]
    return made
