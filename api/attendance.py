"""Handlers about attendance: checking in and out, who is here, and what hosts are told of who came.

Owns the bodies of these routes, and how an entry code is drawn. Must never say who may: muster/entrance.py does.
"""

from __future__ import annotations

import io
from typing import Annotated

import segno
from msgspec import Meta, Struct

from api.route import Call, Page, Raw
from muster.crowd import Crowd, Here
from muster.entrance import Entrance, MyVisit
from muster.entry_codes import CODE_CHARS
from muster.turnout import Attendance, AttendeePage, Turnout


class CheckIn(Struct, frozen=True):
    """`code`: what the QR code at the door says, word for word. Without one it is my own word alone."""

    code: Annotated[str, Meta(min_length=1, max_length=CODE_CHARS)] | None = None


class EntryCode(Struct, frozen=True):
    """What the QR code at the door says, and a drawing of it. Ask again at `next_ms` (Unix ms)."""

    code: str
    next_ms: int
    good_until_ms: int
    svg: str


class AttendanceHandlers:
    """The routes about attendance."""

    def __init__(self, entrance: Entrance, crowd: Crowd, attendance: Attendance) -> None:
        self._entrance = entrance
        self._crowd = crowd
        self._attendance = attendance

    async def check_in(self, call: Call) -> MyVisit:
        code = call.body(CheckIn).code
        return await self._entrance.check_in(call.room, call.me, code, call.client_id)

    async def check_out(self, call: Call) -> MyVisit:
        return await self._entrance.check_out(call.room, call.me, call.client_id)

    async def admit(self, call: Call) -> MyVisit:
        return await self._move(call, is_enter=True)

    async def dismiss(self, call: Call) -> MyVisit:
        return await self._move(call, is_enter=False)

    async def _move(self, call: Call, *, is_enter: bool) -> MyVisit:
        return await self._entrance.move(call.room, call.me, call.person, is_enter, call.client_id)

    async def code(self, call: Call) -> EntryCode:
        code, next_ms, good_until_ms = await self._entrance.code(call.room, call.me)
        return EntryCode(code, next_ms, good_until_ms, _drawn(code))

    async def here(self, call: Call) -> Here:
        page = call.query(Page)
        return await self._crowd.here(call.room, call.me, page.cursor, page.limit)

    async def attendance(self, call: Call) -> AttendeePage:
        page = call.query(Page)
        return await self._attendance.page(call.room, call.me, page.cursor, page.limit)

    async def table(self, call: Call) -> Raw:
        content = await self._attendance.table(call.room, call.me)
        name = f'attachment; filename="attendance-{call.room}.csv"'
        more = {"Content-Disposition": name, "Cache-Control": "no-store"}
        return Raw(content, "text/csv; charset=utf-8", more)

    async def stats(self, call: Call) -> Turnout:
        return await self._attendance.figures(call.room, call.me)


def _drawn(code: str) -> str:
    """A QR code as an SVG document, dark on white whatever it is shown on."""
    drawn = io.BytesIO()
    qr = segno.make(code, error="m", boost_error=False, micro=False)
    qr.save(drawn, kind="svg", scale=8, light="#fff", xmldecl=False, nl=False)
    return drawn.getvalue().decode()
