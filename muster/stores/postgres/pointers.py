"""What each device has received, in Postgres.

Owns the received pointers. Read pointers are ops (change_own_v1), because other devices learn of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from muster.ids import DeviceId, PersonId, RoomId
from muster.pointer import ReceivedMark
from muster.stores.postgres.pool import Database

# Forward only, and never past the head.
_RECEIVED: Final = """
    WITH room AS (
        SELECT r.room_id, least(r.head, $4) AS seq FROM rooms r JOIN members m USING (room_id)
        WHERE r.room_id = $1 AND m.person_id = $2 AND m.relation IN ('member', 'moderator', 'owner')
    ), moved AS (
        INSERT INTO device_pointers AS d (room_id, device_id, received) SELECT room_id, $3, seq FROM room
        ON CONFLICT (room_id, device_id) DO UPDATE SET received = excluded.received
        WHERE d.received < excluded.received
    )
    SELECT seq FROM room
"""

# The hub has checked membership and clamped to what it has delivered.
_RECEIVED_MARKS: Final = """
    INSERT INTO device_pointers AS d (room_id, device_id, received)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[])
    ON CONFLICT (room_id, device_id) DO UPDATE SET received = excluded.received
    WHERE d.received < excluded.received
"""


class PostgresPointers:
    """Keeps the received pointers of devices."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def received(self, room: RoomId, person: PersonId, device: DeviceId, seq: int) -> bool:
        """`device` holds everything up to `seq`; false if `person` is not in the room."""
        return await self._database.fetchrow(_RECEIVED, room, person, device, seq) is not None

    async def received_marks(self, marks: Sequence[ReceivedMark]) -> None:
        """Store what many devices hold, in one statement; each room and device at most once."""
        # In one order everywhere, so that two hubs never wait for each other's rows crosswise.
        rooms, devices, seqs = zip(*sorted(marks), strict=True)
        await self._database.execute(_RECEIVED_MARKS, rooms, devices, seqs)
