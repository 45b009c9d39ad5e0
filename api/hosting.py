"""The pieces of events, put together for this door.

Owns which noun of theirs gets which store. Must never open anything (api/assembly.py brings what is open).
"""

from __future__ import annotations

from api.event_finding import CalendarHandlers, EventFindingHandlers
from api.events import EventHandlers
from api.ground import Ground
from muster import event_notices, event_timers
from muster.calendars import Calendars
from muster.event_notices import Telling
from muster.event_timers import EventTimers
from muster.events import Events
from muster.jobs import Handler
from muster.nearby import Nearby
from muster.roster import Roster
from muster.stores.postgres.calendars import PostgresCalendars
from muster.stores.postgres.event_lines import PostgresEventLines
from muster.stores.postgres.events import PostgresEvents
from muster.stores.postgres.guests import PostgresRosters
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.nearby import PostgresNearby


def event_handlers(on: Ground) -> EventHandlers:
    """The routes about events."""
    return EventHandlers(
        Events(PostgresEvents(on.primary, on.reads)),
        Roster(PostgresRosters(on.reads)),
        on.writer,
        on.clock,
        on.settings.event_remind_s,
        on.settings.event_settle_s,
    )


def event_finding_handlers(on: Ground) -> EventFindingHandlers:
    """The routes about finding events."""
    lines = PostgresEventLines(on.primary, on.reads)
    return EventFindingHandlers(Nearby(PostgresNearby(on.reads), lines), lines, on.clock)


def calendar_handlers(on: Ground) -> CalendarHandlers:
    """The routes that calendars read."""
    calendars = Calendars(PostgresCalendars(on.primary), on.clock, on.random)
    return CalendarHandlers(Events(PostgresEvents(on.primary, on.reads)), calendars)


def event_jobs(on: Ground) -> dict[str, Handler]:
    """Who fires the jobs of events, by kind."""
    store = PostgresEvents(on.primary, on.reads)
    telling = Telling(store, store, PostgresJobs(on.primary), on.writer, on.clock)
    timers = EventTimers(store, telling, on.writer, on.clock, on.settings.event_remind_s)
    return {
        event_timers.TURN: timers.turn,
        event_timers.SOON: timers.soon,
        event_notices.TOLD: telling.fire,
        event_notices.UP: telling.up,
    }
