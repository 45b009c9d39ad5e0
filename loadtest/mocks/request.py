"""What is asked and answered, whatever carried it.

Owns these shapes. Must never know a provider or a protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from loadtest.mocks.fault import Answer, Weather

BODY_MOST = 64 * 1024
"""Of a longer body only so much is kept; its size is told all the same."""


class Request(NamedTuple):
    """`headers`: names in small letters; of a repeated one the last, and its name in `repeated`."""

    method: str
    path: str
    headers: Mapping[str, str]
    repeated: frozenset[str]
    body: bytes
    size: int


class Reply(NamedTuple):
    """`reason`: for the diary; empty where all is well."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    reason: str = ""


class Parcel(NamedTuple):
    """A push as it was understood. `id`: by which a repeat is known. `marks`: what a reader of the diary looks for.

    `ring`: let the phone have it.
    """

    token: str
    id: str
    marks: Mapping[str, str]
    ring: Callable[[], None]


class Judgement(NamedTuple):
    """What a provider answers, before anything has taken effect: a 200 with a `parcel` is to ring.

    `token`: the device, where it was read, for scripts and the diary.
    """

    reply: Reply
    token: str = ""
    parcel: Parcel | None = None


class Session(Protocol):
    """What a provider remembers of one connection."""

    @property
    def trusted(self) -> bool:
        """Whether the client has shown who it is: then it may open many streams."""
        ...

    def judge(self, request: Request) -> Judgement: ...


class App(Protocol):
    """A provider. `streams`: so many of a connection at once, where nothing else is asked for."""

    @property
    def streams(self) -> int: ...

    def session(self) -> Session: ...

    def scripted(self, answer: Answer) -> Reply:
        """A refusal that was asked for, in this provider's words."""
        ...

    def heed(self, weather: Weather) -> None:
        """What of the weather is the provider's own."""
        ...
