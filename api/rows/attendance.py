"""Rows about who is at an event, and who came.

Owns their order: they are matched as they stand.
"""

from __future__ import annotations

from api import attendance
from api.route import Limit, Page, Route
from muster.crowd import Here
from muster.entrance import MyVisit
from muster.turnout import AttendeePage, Turnout
from proto.codes import Code

_EVENT = "/v1/events/{room}"
_GUEST = _EVENT + "/roster/{person}"


def of_attendance(to: attendance.AttendanceHandlers) -> list[Route]:
    """Attendance."""
    write = Limit.write
    return [
        Route("POST", _EVENT + "/check-in", to.check_in, "I am here", MyVisit,
              body=attendance.CheckIn, limit=write, refuses=(Code.conflict, Code.limit_exceeded)),
        Route("POST", _EVENT + "/check-out", to.check_out, "I leave", MyVisit, limit=write),
        Route("GET", _EVENT + "/code", to.code,
              "The code to show at the door, for hosts; a new one every 30 s",
              attendance.EntryCode),
        Route("POST", _GUEST + "/check-in", to.admit, "Check in somebody of the roster, for hosts",
              MyVisit, limit=write, refuses=(Code.conflict, Code.limit_exceeded)),
        Route("POST", _GUEST + "/check-out", to.dismiss,
              "Check out somebody of the roster, for hosts", MyVisit, limit=write),
        Route("GET", _EVENT + "/here", to.here,
              "How many are here, and whom of them I may know", Here, query=Page),
        Route("GET", _EVENT + "/attendance", to.attendance,
              "Who came, in order of arrival, for hosts", AttendeePage, query=Page),
        Route("GET", _EVENT + "/attendance.csv", to.table, "The same as a table, for hosts",
              media_type="text/csv", refuses=(Code.limit_exceeded,)),
        Route("GET", _EVENT + "/stats", to.stats, "How the event was attended, for hosts", Turnout),
    ]  # fmt: skip
