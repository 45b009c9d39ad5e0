"""The pieces about pushes, put together.

Owns which of them gets which store. Must never open anything: api/assembly.py brings what is open.
"""

from __future__ import annotations

from api.push import PushHandlers, Pushing
from muster.clock import Clock
from muster.extension import Extensions
from muster.gallery import Gallery
from muster.history import History
from muster.registration import Registrations, is_zone
from muster.rooms import Rooms
from muster.sessions import Submitter
from muster.single import Singles
from muster.stale_devices import StaleDevices
from muster.stores.postgres.history import PostgresHistory
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.people import PostgresPeople
from muster.stores.postgres.pool import Database, Replica
from muster.stores.postgres.push_devices import PostgresPushDevices
from muster.stores.postgres.rooms import PostgresRooms
from muster.tokens import Tokens


def push_handlers(
    primary: Database, tokens: Tokens, gallery: Gallery, writer: Submitter, clock: Clock
) -> PushHandlers:
    """The routes."""
    devices = PostgresPushDevices(primary)
    now = Replica(primary, None)
    rooms = Rooms(PostgresRooms(primary, now))
    singles = Singles(History(PostgresHistory(now)), rooms, PostgresPeople(primary), gallery)
    registrations = Registrations(devices, is_zone)
    pushing = Pushing(registrations, devices, Extensions(devices, tokens), singles)
    return PushHandlers(pushing, writer, clock)


def extensions(primary: Database, tokens: Tokens) -> Extensions:
    """Who believes the tokens of notification extensions."""
    return Extensions(PostgresPushDevices(primary), tokens)


def stale(primary: Database, clock: Clock) -> StaleDevices:
    """Who forgets devices that nobody uses."""
    return StaleDevices(PostgresPushDevices(primary), PostgresJobs(primary), clock)
