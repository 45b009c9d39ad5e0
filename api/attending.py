"""The pieces about attendance, put together.

Owns which of them gets which store. Must never open anything: api/assembly.py brings what is open.
"""

from __future__ import annotations

from api.attendance import AttendanceHandlers
from muster import entry_codes
from muster.attendance import Marker
from muster.clock import Clock
from muster.crowd import Crowd
from muster.departures import Departures
from muster.entrance import Entrance
from muster.keys import Ring
from muster.sessions import Submitter
from muster.stores.postgres.crowd import PostgresCrowd
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.pool import Database
from muster.stores.postgres.turnout import PostgresTurnout
from muster.stores.postgres.visits import PostgresVisits
from muster.turnout import Attendance
from muster.visits import Visits


def attendance_handlers(
    primary: Database, writer: Submitter, clock: Clock, ring: Ring, marker: Marker | None = None
) -> AttendanceHandlers:
    """The routes. `ring` has the secrets of entry codes; `marker` is told of who checks in and out."""
    visits = Visits(writer, PostgresVisits(primary))
    crowd = PostgresCrowd(primary)
    return AttendanceHandlers(
        Entrance(visits, crowd, clock, lambda: ring.secrets(entry_codes.PURPOSE), marker),
        Crowd(crowd, clock),
        Attendance(PostgresTurnout(primary), clock),
    )


def leaving(primary: Database, writer: Submitter) -> Departures:
    """Who ends the visits to events that are over, or whose fence has moved."""
    return Departures(Visits(writer, PostgresVisits(primary)), PostgresJobs(primary))
