"""What people are owed, in Postgres.

Owns push_notified and the contract muster.owed.OwedStore. Every answer is made of what stands there when it is asked:
nothing that was read before is kept. Must never decide whether something rings.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from muster.owed import Candidate, Fresh, Key, Owed, Settled
from muster.permission import RoomKind
from muster.push_device import TOKEN, Provider
from muster.push_queue import Dead
from muster.sealer import Sealer
from muster.stores.postgres.badges import badges_of
from muster.stores.postgres.candidates import (
    CANDIDATES,
    ROOMS_MOST,
    SHOWN_AND_READ,
    UNSETTLED,
)
from muster.stores.postgres.debts import (
    DEVICES,
    LINES,
    MESSAGES,
    Reach,
    device_of,
    message_of,
    owed_of,
)
from muster.stores.postgres.event_debts import NEXT_NEWS, with_news
from muster.stores.postgres.moments import from_ms
from muster.stores.postgres.pool import Database

_SETTLE: Final = """
    SELECT person, room FROM settle_pushes_v2($1, $2::uuid[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[])
"""
_REOPEN: Final = """
    UPDATE push_notified n SET seq = u.seq
    FROM (SELECT room_id, person_id, min(seq) AS seq FROM unnest($2::uuid[], $3::uuid[], $4::bigint[])
          s (room_id, person_id, seq) GROUP BY room_id, person_id ORDER BY room_id, person_id) u
    WHERE n.room_id = u.room_id AND n.person_id = u.person_id AND n.provider = $1 AND n.seq > u.seq
"""
_DROP: Final = """
    DELETE FROM push_devices WHERE device_id = $1 AND ($3::timestamptz IS NULL OR registered_at < $3)
        AND (token_blind = $2 OR (token_blind IS NULL AND sha256(convert_to(token, 'UTF8')) = $4))
"""
_FIRST: Final = UUID(int=0)
_LAST: Final = UUID(int=2**128 - 1)


class PostgresOwed:
    """See `muster.owed.OwedStore`."""

    def __init__(self, primary: Database, sealer: Sealer) -> None:
        """Not a replica: what was read or deleted just now must not ring."""
        self._primary = primary
        self._sealer = sealer

    async def candidates(self, fresh: Sequence[Fresh]) -> list[Candidate]:
        found: list[Candidate] = []
        parts = [fresh[at : at + ROOMS_MOST] for at in range(0, len(fresh), ROOMS_MOST)]
        while parts:
            part = parts.pop()
            rows = await self._candidates(part)
            if rows is None:  # too much for one statement, though not for two
                half = len(part) // 2
                parts += [part[:half], part[half:]]
                continue
            found += [
                Candidate(Key(person.bytes, room.bytes), Provider(provider), urgent)
                for person, room, provider, urgent in rows
            ]
        return found

    async def _candidates(self, part: Sequence[Fresh]) -> list[asyncpg.Record] | None:
        """None: these took Postgres too long, and there is more than one. Raises `Refused`."""
        columns = (
            [UUID(bytes=each.room) for each in part],
            [each.to_seq for each in part],
            [each.here for each in part],
            [_array(each.authors) for each in part],
            [_array(each.named) for each in part],
        )
        async with self._primary.lent() as connection:
            try:
                return await connection.fetch(CANDIDATES, *columns)
            except asyncpg.QueryCanceledError:  # by its statement_timeout: the connection is well
                if len(part) == 1:
                    raise
                return None

    async def owed(self, provider: Provider, keys: Sequence[Key]) -> list[Owed]:
        people = [UUID(bytes=key.person) for key in keys]
        rooms = [UUID(bytes=key.room) for key in keys]
        async with self._primary.snapshot() as connection:
            lines = await connection.fetch(LINES, people, rooms, provider.value)
            wanted = [
                (line["n"], rooms[line["n"]], people[line["n"]], seq)
                for line in lines
                for seq in sorted({*line["newest"], *line["naming"]})
            ]
            said = await connection.fetch(MESSAGES, *_columns(wanted, 4))
            own = [
                (line["n"], people[line["n"]], max(line["read_seq"], line["notified"]))
                for line in lines
                if line["kind"] == RoomKind.self_
            ]
            told = await connection.fetch(NEXT_NEWS, *_columns(own, 3)) if own else []
            held = await connection.fetch(DEVICES, people, rooms, provider.value)
        # Last, and not of that moment: of two badges the later one is right.
        badges = await badges_of(self._primary, {people[line["n"]] for line in lines})
        messages = defaultdict(list)
        for row in said:
            messages[row["n"]].append(message_of(row))
        news = defaultdict(list)
        for row in told:
            news[row["n"]].append(row)
        reached = defaultdict(list)
        for row in held:
            device = device_of(row, self._sealer)
            if device is not None:
                reached[row["n"]].append(Reach(device, row["received"], row["over"]))
        return [
            with_news(
                owed_of(line, keys[line["n"]], badges[people[line["n"]]], messages[line["n"]], reached[line["n"]]),
                news[line["n"]],
            )
            for line in lines
        ]  # fmt: skip

    async def settle(self, provider: Provider, settled: Sequence[Settled]) -> list[Key]:
        rows = await self._primary.fetch(
            _SETTLE,
            provider.value,
            [UUID(bytes=each.key.room) for each in settled],
            [UUID(bytes=each.key.person) for each in settled],
            [each.seq for each in settled],
            [each.rung for each in settled],
            [each.gone for each in settled],
        )
        return [Key(person.bytes, room.bytes) for person, room in rows]

    async def shown_and_read(self, provider: Provider, keys: Sequence[Key]) -> list[Key]:
        people = [UUID(bytes=key.person) for key in keys]
        rooms = [UUID(bytes=key.room) for key in keys]
        rows = await self._primary.fetch(SHOWN_AND_READ, people, rooms, provider.value)
        return [Key(person.bytes, room.bytes) for person, room in rows]

    async def unsettled(self, provider: Provider, after: Key | None, most: int) -> list[Candidate]:
        found: list[Candidate] = []
        person, room = (
            (_FIRST, _FIRST)
            if after is None
            else (UUID(bytes=after.person), UUID(bytes=after.room))
        )
        # Each statement looks through a part and has a deadline of its own, however much nobody is owed anything of.
        while True:
            rows = await self._primary.fetch(UNSETTLED, provider.value, person, room)
            found += [
                Candidate(
                    Key(row["person_id"].bytes, row["room_id"].bytes),
                    provider,
                    row["urgent"],
                    row["is_read"],
                )
                for row in rows
                if row["person_id"] is not None
            ]
            far = rows[0]
            if len(found) >= most or not (far["more_rows"] or far["more_people"]):
                return found[:most]
            if far["more_rows"]:
                person, room = far["last_looked"], far["last_room"]
            else:
                person, room = far["last_person"], _LAST

    async def drop_token(self, device: UUID, token: str, before_ms: int | None) -> bool:
        before = None if before_ms is None else from_ms(before_ms)
        plain = token.encode()
        blind, hashed = self._sealer.blind(plain, TOKEN), hashlib.sha256(plain).digest()
        return await self._primary.execute(_DROP, device, blind, before, hashed) != "DELETE 0"


async def reopen(
    connection: asyncpg.Connection | PoolConnectionProxy,
    provider: Provider,
    letters: Sequence[Dead],
) -> None:
    """What these dead letters told is owed again, before they are replayed; whoever had it rings once more."""
    rooms = [UUID(bytes=letter.key.room) for letter in letters]
    people = [UUID(bytes=letter.key.person) for letter in letters]
    seqs = [letter.notified for letter in letters]
    await connection.execute(_REOPEN, provider.value, rooms, people, seqs)


def _array(ids: frozenset[bytes]) -> str:
    """As Postgres writes an array: arrays of arrays would have to be of one length."""
    return "{" + ",".join(each.hex() for each in ids) + "}"


def _columns(rows: Sequence[tuple[object, ...]], count: int) -> list[list[object]]:
    return [[row[i] for row in rows] for i in range(count)]
