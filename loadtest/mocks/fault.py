"""What can be made to go wrong, as the admin API is told it.

Owns these shapes and their meaning. Must never do any of it (h2_wire.py does).
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Status = Annotated[int, Meta(ge=200, le=599)]
Goodbye = Literal["graceful", "announced", "abrupt"]
"""graceful: GOAWAY names the newest stream, and what is open is answered. announced: first one that names no stream,
a moment later the true one. abrupt: GOAWAY, and the connection is gone with whatever was open.
"""


class Scripted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """For the next `times` requests, of one device `token` or of all. `taken`: the phone rings, although no answer
    tells of it.
    """

    times: Count = 1
    token: str | None = None
    taken: bool = False


class Answer(Scripted, frozen=True, kw_only=True, tag="answer"):
    """This status and reason, with the body the provider gives it. `retry_after_s` becomes the header, as seconds or as
    a date.
    """

    status: Status
    reason: str
    retry_after_s: Annotated[int, Meta(ge=0, le=86_400)] | None = None
    as_date: bool = False
    timestamp_ms: int | None = None


class Empty(Scripted, frozen=True, kw_only=True, tag="empty"):
    """A status and no body."""

    status: Status = 500


class Nonsense(Scripted, frozen=True, kw_only=True, tag="nonsense"):
    """A status with any body, as a proxy in between would send it."""

    status: Status = 200
    body: Annotated[str, Meta(max_length=65_536)] = "<html>gateway</html>"


class Split(Scripted, frozen=True, kw_only=True, tag="split"):
    """The true answer, its body in DATA frames of so many bytes, each written by itself."""

    bytes_each: Annotated[int, Meta(ge=1, le=1024)] = 7


class Cut(Scripted, frozen=True, kw_only=True, tag="cut"):
    """The true answer's head and half its body, then the connection is closed."""


class Reset(Scripted, frozen=True, kw_only=True, tag="reset"):
    """RST_STREAM; REFUSED_STREAM says that nothing was done."""

    code: Literal["REFUSED_STREAM", "INTERNAL_ERROR", "CANCEL", "ENHANCE_YOUR_CALM"] = (
        "REFUSED_STREAM"
    )


class Stall(Scripted, frozen=True, kw_only=True, tag="stall"):
    """No answer, ever."""


class Slow(Scripted, frozen=True, kw_only=True, tag="slow"):
    """The true answer, late."""

    delay_ms: Annotated[int, Meta(ge=0, le=600_000)]


class Drop(Scripted, frozen=True, kw_only=True, tag="drop"):
    """The connection is reset without a word."""


class Goaway(Scripted, frozen=True, kw_only=True, tag="goaway"):
    """The connection is ended at this request. Where that is abrupt and not `taken`, GOAWAY says that it was not
    done.
    """

    how: Goodbye = "graceful"
    reason: str = "Shutdown"


Fault = Answer | Empty | Nonsense | Split | Cut | Reset | Stall | Slow | Drop | Goaway


class Weather(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes on until it is changed. `window` and `streams` hold for connections that begin later.

    `window`: bytes a client may send per stream before it has to wait. `streams`: most at once, after a valid token;
    None: as usual, 1,000 at Apple's and 100 at Google's.
    `goaway_every`: requests of a connection after which it is ended; 0: never. `down`: connections are refused, and
    those there were are gone. `quota_per_min`: of a project (FCM). `token_s`: life of an access token (OAuth).
    """

    latency_ms: Annotated[float, Meta(ge=0, le=60_000)] = 0.0
    jitter_ms: Annotated[float, Meta(ge=0, le=60_000)] = 0.0
    goaway_every: Annotated[int, Meta(ge=0)] = 0
    goaway: Goodbye = "graceful"
    goaway_reason: str = "Shutdown"
    window: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 65_535
    streams: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    down: bool = False
    quota_per_min: Annotated[float, Meta(ge=1)] = 600_000.0
    token_s: Annotated[int, Meta(ge=1, le=3600)] = 3_600
