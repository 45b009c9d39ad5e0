"""Link previews: the first link of a message, looked at once its message is committed.

    commit -> a job in the same transaction (wish_preview_v1) -> fire: the message as it reads now -> its first link ->
    the page, from the cache or fetched (muster/fetch.py) -> an op `preview`, judged under the room's lock

Owns what a fired job does, for how long a page counts, and what of it is told to operators. Must never try a page again
that failed, before its time; and must never hold a message's words but for the link.
"""

from __future__ import annotations

from enum import Enum
from hashlib import sha256
from time import perf_counter
from typing import Final, NamedTuple, Protocol

from msgspec import structs
from prometheus_client import CollectorRegistry, Counter, Histogram

from muster import submit
from muster.bucket import Buckets, Rate
from muster.clock import Clock
from muster.closing import PLACE
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.jobs import Job
from muster.link import first_link
from muster.page import Unread
from muster.sessions import Submitter
from proto.codes import Code
from proto.entry import LinkPreview

KIND: Final = "preview"
KEPT_S: Final = 86_400.0
KEPT_UNREAD_S: Final = 3_600.0
"""A page that could not be read is not asked again for an hour, whoever posts its link."""

CLAIM_S: Final = 15.0
"""Who claimed a page and ended has it no longer than this; over jobs.FIRE_WITHIN_S."""

LATE_MOST_S: Final = 600.0
"""A preview of what was said longer ago is of no use; so a pile of slow pages ends by itself."""

PER_AUTHOR: Final = Rate(0.5, 20.0)
"""Pages fetched for one author by one process: beyond, their links get no previews."""

_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class Reads(Protocol):
    """Who reads pages: muster/fetch.py."""

    async def read(self, link: str) -> LinkPreview:
        """Raises `Unread`, or `Refused`: `too_many_requests`."""
        ...


class State(Enum):
    """Of a page: ours to fetch, known (perhaps as one that says nothing), or being fetched by somebody else."""

    fetch = "fetch"
    known = "known"
    busy = "busy"


class Kept(NamedTuple):
    """What the cache says."""

    state: State
    card: LinkPreview | None


class PreviewStore(Protocol):
    """Where messages are read from, and pages kept. All raise `Refused`: `unavailable`."""

    async def message(self, room: RoomId, seq: int) -> tuple[PersonId, str] | None:
        """Author and text of a message as it reads now."""
        ...

    async def claim(self, link_hash: bytes, claim_s: float) -> Kept: ...

    async def keep(self, link_hash: bytes, card: LinkPreview | None, kept_s: float) -> None:
        """What came of a claimed page."""
        ...

    async def release(self, link_hash: bytes) -> None:
        """Nothing came of it, and anybody may try."""
        ...


class PreviewMetrics:
    """How links fare: `shown`, or why not."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.links = Counter(
            "muster_link_previews",
            "Links looked at, by why they are shown or not",
            ["why"],
            registry=registry,
        )
        self.fetch_seconds = Histogram(
            "muster_link_fetch_seconds", "Fetching one page", buckets=_SECONDS, registry=registry
        )


class Previews:
    """Looks at links."""

    def __init__(
        self,
        store: PreviewStore,
        pages: Reads,
        writer: Submitter,
        metrics: PreviewMetrics,
        clock: Clock,
        *,
        on: bool = True,
    ) -> None:
        """`on`: false looks at nothing, and nothing leaves."""
        self._store = store
        self._pages = pages
        self._writer = writer
        self._metrics = metrics
        self._clock = clock
        self._on = on
        self._authors = Buckets(PER_AUTHOR)

    async def fire(self, job: Job) -> None:
        """A muster.jobs.Handler. Raises `Refused` only where it is to come back."""
        self._metrics.links.labels(await self._outcome(job)).inc()

    async def _outcome(self, job: Job) -> str:
        if not self._on:
            return "off"
        if job.late_s > LATE_MOST_S:
            return "late"
        place = PLACE.decode(job.payload)
        room, seq = RoomId(place.room), place.seq
        message = await self._store.message(room, seq)
        link = None if message is None else first_link(message[1])
        if message is None or link is None:
            return "none"
        try:
            card = await self._card(message[0], link)
        except Unread as unread:
            return unread.why
        client_id = f"preview:{job.id}:{job.due_ms}"
        try:
            await self._writer.submit(submit.preview(message[0], room, seq, client_id, card))
        except Refused as refused:
            if refused.temporary:
                raise
            return "gone"
        return "shown"

    async def _card(self, author: PersonId, link: str) -> LinkPreview:
        """Raises `Unread`; `Refused` while somebody else is at it, or its host is asked too often."""
        link_hash = sha256(link.encode()).digest()
        kept = await self._store.claim(link_hash, CLAIM_S)
        if kept.state is State.busy:
            raise Refused(Code.too_many_requests, "somebody else looks at this page")
        if kept.state is State.known:
            if kept.card is None:
                raise Unread("known")
            return structs.replace(kept.card, link=link)
        if self._authors.take(author, self._clock.monotonic()):
            await self._store.release(link_hash)
            raise Unread("author")
        started = perf_counter()
        try:
            card = await self._pages.read(link)
        except Unread:
            await self._store.keep(link_hash, None, KEPT_UNREAD_S)
            raise
        except Refused:
            await self._store.release(link_hash)
            raise
        finally:
            self._metrics.fetch_seconds.observe(perf_counter() - started)
        await self._store.keep(link_hash, card, KEPT_S)
        return card
