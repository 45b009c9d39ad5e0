"""Another input made of those there are: cut, doubled, spliced, a bit or a length changed. By a seed, so repeatable.

Owns the changes. Must never look at what an input means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Final

MOST_BYTES: Final = 8_192
_CHANGES_MOST: Final = 5
_TELLING: Final = (
    *(
        bytes([n])
        for n in (
            0,
            1,
            0x7F,
            0x80,
            0x90,
            0xC0,
            0xC1,
            0xC4,
            0xC9,
            0xCB,
            0xD9,
            0xDC,
            0xDD,
            0xDF,
            0xFF,
        )
    ),
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\xff",
    b"\xff" * 8,
    b"\x7f" + b"\xff" * 7,
    b"\x00\x00",
    b"\xfe\xff\xff",
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\x7f\xff\xff\xff",
    b"\xcb\x7f\xf8" + bytes(6),
    b"\xd6\xff" + bytes(4),
    *(b'"', b"\\", b"\\ud800", b"\\u0000", b"null", b"true", b"[", b"]", b"{", b"}", b",", b":"),
    *(b"1e999", b"-0", b"0.1", b"9007199254740992", b"18446744073709551616", b"NaN", b"1e-400"),
    *(b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3", b"\xf0\x9f\x91\x8b", b"\xef\xbb\xbf"),
    *(b"\x88\x80\0\0\0\0", b"\x89\x80\0\0\0\0", b"\x80\x80\0\0\0\0", b"\x02\x80\0\0\0\0"),
    *(b"\r\n", b"\r\n\r\n", b": ", b"Upgrade: websocket\r\n", b"Content-Length: 5\r\n"),
)


def mutations(rng: Random, seeds: Sequence[bytes]) -> Iterator[bytes]:
    """Inputs without end; some of them join the seeds, so that changes add up."""
    pool = list(seeds)
    while True:
        data = rng.choice(pool)
        for _ in range(rng.randint(1, _CHANGES_MOST)):
            data = rng.choice(_CHANGES)(rng, data, pool)[:MOST_BYTES]
        if rng.random() < 0.02:
            _join(rng, pool, len(seeds), data)
        yield data


def _join(rng: Random, pool: list[bytes], kept: int, data: bytes) -> None:
    """At most as many again as there were seeds; beyond that one goes for each that comes."""
    if len(pool) < 2 * kept:
        pool.append(data)
    else:
        pool[rng.randrange(kept, len(pool))] = data


def _flip(rng: Random, data: bytes, _pool: Sequence[bytes]) -> bytes:
    if not data:
        return b"\x00"
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def _overwrite(rng: Random, data: bytes, _pool: Sequence[bytes]) -> bytes:
    telling = rng.choice(_TELLING)
    at = rng.randint(0, len(data))
    return data[:at] + telling + data[at + len(telling) :]


def _insert(rng: Random, data: bytes, _pool: Sequence[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    new = rng.choice(_TELLING) if rng.random() < 0.7 else rng.randbytes(rng.randint(1, 9))
    return (
        data[:at] + new * (1 if rng.random() < 0.95 else rng.choice((2, 9, 400, 6_000))) + data[at:]
    )


def _cut(rng: Random, data: bytes, _pool: Sequence[bytes]) -> bytes:
    begin, end = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
    return data[:begin] + data[end:]


def _double(rng: Random, data: bytes, _pool: Sequence[bytes]) -> bytes:
    begin, end = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
    return data[:end] + data[begin:]


def _splice(rng: Random, data: bytes, pool: Sequence[bytes]) -> bytes:
    other = rng.choice(pool)
    return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]


_CHANGES: Final[Sequence[Callable[[Random, bytes, Sequence[bytes]], bytes]]] = (
    _flip,
    _flip,
    _overwrite,
    _overwrite,
    _insert,
    _cut,
    _double,
    _splice,
)
