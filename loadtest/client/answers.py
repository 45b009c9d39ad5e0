"""What `GET /v1/me/sync` answers, as far as a phone reads it.

Owns these shapes; a field that is left out has its default. Pure.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct, structs


class Last(Struct):
    """The newest message of a room; `text` is null once it is deleted."""

    seq: int
    author: UUID
    text: str | None = None


class Line(Struct, kw_only=True):
    """One of my rooms, as a list shows it."""

    id: UUID
    kind: str
    title: str = ""
    head: int = 0
    read: int = 0
    unread: int = 0
    mentions: int = 0
    muted_until_ms: int | None = None
    level: str = "all"
    role: str = ""
    members: int = 0
    archived: bool = False
    request: bool = False
    last_message: Last | None = None


class Known(Struct):
    """Somebody I know, or `removed`."""

    person: UUID
    state: str


class Written(Struct):
    """A draft; an empty text: none any more."""

    room: UUID
    text: str = ""
    reply_to: int | None = None


class Told(Struct):
    """A notice."""

    notice: int
    kind: str
    room_id: UUID | None = None


class Me(Struct):
    """My profile."""

    id: UUID
    handle: str
    name: str = ""


class Synced(Struct, kw_only=True):
    """Everything (`anew`), or what changed."""

    anew: bool
    generation: UUID
    seq: int
    server_time_ms: int
    cursor: str | None = None
    me: Me | None = None
    privacy: dict[str, str] | None = None
    blocked: list[UUID] = []
    notices_read: int | None = None
    rooms: list[Line] = []
    gone: list[UUID] = []
    contacts: list[Known] = []
    drafts: list[Written] = []
    notices: list[Told] = []

    def and_then(self, page: Synced) -> Synced:
        """This and the next page."""
        return structs.replace(
            self,
            rooms=[*self.rooms, *page.rooms],
            contacts=[*self.contacts, *page.contacts],
            drafts=[*self.drafts, *page.drafts],
        )
