"""The pieces about pushes, put together.

Owns which of them gets which store. Must never open anything: api/assembly.py brings what is open.
"""

from __future__ import annotations

from api.ground import Ground
from api.push import PushHandlers, Pushing
from muster.extension import Extensions
from muster.gallery import Gallery
from muster.history import History
from muster.registration import Registrations, is_zone
from muster.rooms import Rooms
from muster.single import Singles
from muster.stale_devices import StaleDevices
from muster.stores.postgres.history import PostgresHistory
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.people import PostgresPeople
from muster.stores.postgres.pool import Replica
from muster.stores.postgres.push_devices import PostgresPushDevices
from muster.stores.postgres.rooms import PostgresRooms
from muster.tokens import Tokens


def push_handlers(on: Ground, tokens: Tokens, gallery: Gallery) -> PushHandlers:
    """The routes."""
    primary = on.primary
    devices = PostgresPushDevices(primary, on.sealer)
    now = Replica(primary, None)
    rooms = Rooms(PostgresRooms(primary, now))
    singles = Singles(History(PostgresHistory(now)), rooms, PostgresPeople(primary), gallery)
    registrations = Registrations(devices, is_zone)
    pushing = Pushing(registrations, devices, Extensions(devices, tokens), singles)
    return PushHandlers(pushing, on.writer, on.clock)


def extensions(on: Ground, tokens: Tokens) -> Extensions:
    """Who believes the tokens of notification extensions."""
    return Extensions(PostgresPushDevices(on.primary, on.sealer), tokens)


def stale(on: Ground) -> StaleDevices:
    """Who forgets devices that nobody uses."""
    devices = PostgresPushDevices(on.primary, on.sealer)
    return StaleDevices(devices, PostgresJobs(on.primary), on.clock)
