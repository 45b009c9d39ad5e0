"""The audit: what moderators and staff did, row by row, each with the hash of the one before.

Owns what a row says, and how a chain is checked: worked out here from the rows alone, beside the SQL that wrote them
(audit_v1). Must never write a row: whatever does something writes it in the same transaction.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.cursor import Place
from muster.ids import PersonId


class Act(Struct, frozen=True, gc=False, kw_only=True):
    """What somebody did, in the capacity `actor_as` (moderator, owner, support, admin, app, operator).

    `log` and `n`: its chain and its place there; the chain of `room`, or of what is of no room. `seq` is the entry it
    made, `target` the message it is about. `actor` and `subject` are null for nobody, and for whom was erased: then
    their marks are all that is left.
    """

    log: UUID
    n: int
    at_ms: int
    actor: PersonId | None
    actor_mark: UUID
    actor_as: str
    action: str
    subject: PersonId | None
    subject_mark: UUID | None
    room: UUID | None
    seq: int | None
    target: int | None
    report: UUID | None
    until_ms: int | None
    reason: str | None


class AuditPage(Struct, frozen=True, gc=False):
    """A page of acts, the newest first."""

    acts: list[Act]
    cursor: str | None


class Sought(NamedTuple):
    """Which acts are asked for; None is any."""

    actor: PersonId | None = None
    subject: PersonId | None = None
    room: UUID | None = None
    action: str | None = None


class Link(NamedTuple):
    """A row as its hash sees it. `reason` is a hash, `words` and `salt` what it is of, where they are still there."""

    log: UUID
    n: int
    at_ms: int
    actor: UUID
    actor_as: str
    action: str
    subject: UUID | None
    seq: int | None
    target: int | None
    report: UUID | None
    until_ms: int | None
    reason: bytes | None
    before: bytes
    hash: bytes
    words: str | None
    salt: bytes | None


class Break(NamedTuple):
    """Where a chain does not hold, and how."""

    log: UUID
    n: int
    why: str


class Checked(NamedTuple):
    """What a look at all chains found."""

    rows: int
    logs: int
    breaks: list[Break]


class AuditStore(Protocol):
    """Where it is read."""

    async def page(self, sought: Sought, before: Place | None, limit: int) -> list[Act]: ...


async def acts_of(store: AuditStore, sought: Sought, at: str | None, limit: int) -> AuditPage:
    """A page of them."""
    acts = await store.page(sought, cursor.read_place(at) if at else None, limit)
    last = acts[-1] if len(acts) == limit else None
    more = cursor.write_place(Place(last.at_ms, last.log, last.n)) if last else None
    return AuditPage(acts, more)


async def check(links: AsyncIterator[Link]) -> Checked:
    """Look at rows in the order of their chains. A row that was changed, removed or put in breaks its chain."""
    rows, logs, breaks = 0, 0, []
    last: Link | None = None
    async for link in links:
        rows += 1
        if last is None or last.log != link.log:
            logs, last = logs + 1, None
        why = _broken(last, link)
        if why:
            breaks.append(Break(link.log, link.n, why))
        last = link
    return Checked(rows, logs, breaks)


def _broken(last: Link | None, link: Link) -> str:
    if link.n != (last.n + 1 if last else 1):
        return "rows before it are missing"
    if link.before != (last.hash if last else b""):
        return "it does not follow the row before it"
    if link.hash != hashlib.sha256(link.before + line_of(link).encode()).digest():
        return "it was changed"
    if link.words is not None and link.reason != _said(link):
        return "its reason was changed"
    return ""


def line_of(link: Link) -> str:
    """What its hash is of, after the hash before: audit_line_v1 in the same words."""
    fields = (
        link.log, link.n, link.at_ms, link.actor, link.actor_as, link.action, link.subject, link.seq, link.target,
        link.report, link.until_ms, None if link.reason is None else link.reason.hex(),
    )  # fmt: skip
    return "|".join("" if field is None else str(field) for field in fields)


def _said(link: Link) -> bytes:
    return hashlib.sha256((link.salt or b"") + (link.words or "").encode()).digest()
