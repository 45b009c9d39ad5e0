"""Find out why somebody did not get something: an entry, or a person.

It never shows what was said, and it changes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import assert_never
from uuid import UUID

import asyncpg

from muster.cli._where import complain, located, reason, with_database
from muster.config import Settings
from muster.ids import PersonId
from muster.lanes import LaneTable
from muster.permission import RoomKind
from muster.stores.postgres import tracing
from muster.stores.postgres.presence import shown_of
from muster.stores.redis.lookup import Whereabouts, look_up
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.roll_commands import RollKeys
from muster.stores.redis.roll_lookup import devices_of
from muster.stores.redis.wire import BROKEN
from muster.trace import (
    Device,
    Owed,
    Standing,
    TracedEntry,
    TracedRoom,
    conclude_entry,
    conclude_for,
    conclude_person,
)
from muster.trace_presence import TracedDevice, conclude_presence
from muster.trail import trail


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`person WHO`, or `entry ROOM SEQ [--for WHO]`."""
    subjects = parser.add_subparsers(dest="subject", required=True, metavar="person|entry")
    person = subjects.add_parser("person", help="can they get anything, and where are they behind?")
    person.add_argument("who", metavar="HANDLE|ID")
    entry = subjects.add_parser("entry", help="where is it, and why has somebody not got it?")
    entry.add_argument("room", type=UUID, metavar="ROOM")
    entry.add_argument("seq", type=int, metavar="SEQ")
    entry.add_argument("--for", dest="who", metavar="HANDLE|ID", help="who did not get it")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Print what is known and the sentence that follows; 1 when there is nothing by that name."""
    settings = located(settings)

    async def ask(database: asyncpg.Connection) -> int:
        if args.subject == "person":
            return await _person(database, settings, args.who)
        return await _entry(database, settings, args)

    return asyncio.run(with_database(settings, ask))


async def _person(database: asyncpg.Connection, settings: Settings, who: str) -> int:
    person = await tracing.find_person(database, who)
    if person is None:
        return complain(f"nobody is called {who}", 1)
    devices = await tracing.devices(database, person, person.person)
    rooms = await tracing.rooms_of(database, person)
    print(f"@{person.handle}  {person.person}  {person.role}, since {_time(person.created_at_ms)}")
    if person.banned_at_ms is not None:
        print(f"  banned since {_time(person.banned_at_ms)}")
    _print_devices(devices, "their own log")
    for room in rooms:
        received = "-" if room.received is None else room.received
        print(
            f"  room {room.room}  {room.kind:<12} {room.relation:<9}"
            f" head {room.head}  read {room.read_seq}  received {received}  {room.title}"
        )
    print(conclude_person(person, devices, rooms))
    profile, seen_ms = await shown_of(database, PersonId(person.person))
    held = await _held(settings, person.person)
    for device in held or ():
        lease = "none" if device.lease_s is None else f"{device.lease_s:+.1f} s"
        print(
            f"  there      device {UUID(bytes=device.device)}  {device.attention.name}"
            f" since {_time(device.since_ms)};  hub {device.generation}, lease {lease}"
        )
    if seen_ms is not None:
        print(f"  last seen  {_time(seen_ms)}")
    print(conclude_presence(profile, held, seen_ms))
    return 0


async def _held(settings: Settings, person: UUID) -> list[TracedDevice] | None:
    """Their devices on the roll; None where Redis does not answer."""
    if not settings.redis_url:
        return None
    keys, rng = RollKeys(), random.Random()  # noqa: S311  # which node is asked first, hides nothing
    try:
        nodes = nodes_at(settings.redis_url, settings.redis_cluster, keys.table, rng)
        return await devices_of(nodes, keys, person.bytes)
    except (*BROKEN, ValueError):
        return None


async def _entry(database: asyncpg.Connection, settings: Settings, args: argparse.Namespace) -> int:
    room = await tracing.find_room(database, args.room)
    entry = await tracing.find_entry(database, args.room, args.seq)
    owed = await tracing.owed(database, args.room, args.seq)
    if room is not None:
        _print_room(room)
    if room is None or entry is None:
        print(conclude_entry(room, args.seq, entry, owed))
        return 1
    _print_entry(entry, owed)
    print(f"  lane       {await _sighting(settings, room, entry)}")
    if args.who is None:
        print(conclude_entry(room, args.seq, entry, owed))
        return 0
    person = await tracing.find_person(database, args.who)
    if person is None:
        return complain(f"nobody is called {args.who}", 1)
    standing = await tracing.standing(database, person, room.room, entry.author)
    _print_standing(standing)
    print(conclude_for(room, entry, owed, standing))
    return 0


def _print_room(room: TracedRoom) -> None:
    archived = ", archived" if room.archived else ""
    print(
        f"room {room.room}  {room.kind}{archived}, history {room.history},"
        f" {room.members} members, log {room.floor + 1}..{room.head}"
    )


def _print_entry(entry: TracedEntry, owed: Sequence[Owed]) -> None:
    handle = f"@{entry.author_handle}" if entry.author_handle else "the service or somebody erased"
    print(f"entry {entry.seq}  {entry.kind}, message number {entry.msg_no}")
    print(f"  author     {handle}  {entry.author}")
    if entry.subject is not None:
        print(f"  subject    {entry.subject}")
    print(f"  client id  {entry.client_id or '-'}")
    if entry.client_id:
        # At MUSTER_LOG_LEVEL=debug the lines submitted, committed and delivered carry it.
        print(f"  in logs    {trail(entry.author, entry.client_id)}")
    print(f"  committed  {_time(entry.at_ms)}")
    if entry.target is not None:
        print(f"  about      entry {entry.target}")
    if entry.edited_seq is not None:
        print(f"  edited     by entry {entry.edited_seq}")
    if entry.deleted_seq is not None:
        print(f"  deleted    by entry {entry.deleted_seq}")
    for lease in owed:
        state = f"over for {lease.over_s:.1f} s" if lease.over_s > 0 else "its writer has time"
        print(f"  lease      {lease.writer}, {state}")


async def _sighting(settings: Settings, room: TracedRoom, entry: TracedEntry) -> str:
    """Whether the bus has it: of interest only while somebody who is online waits for it."""
    if room.kind is RoomKind.control:
        return "not looked for: processes poll the control log"
    if not settings.redis_url:
        return "not looked at: no Redis is known"
    table = LaneTable(settings.lanes)
    rng = random.Random()  # noqa: S311  # which node is asked first, hides nothing
    try:
        nodes = nodes_at(settings.redis_url, settings.redis_cluster, table, rng)
        seen = await look_up(nodes, table, room.room, entry.seq, entry.at_ms)
    except (*BROKEN, ValueError) as error:
        return f"not looked at: Redis does not answer ({reason(error)})"
    match seen.whereabouts:
        case Whereabouts.there:
            said = f"published, at {seen.stream_id}"
        case Whereabouts.trimmed:
            said = "older than what the lane keeps: it comes from Postgres"
        case Whereabouts.absent:
            said = "not on it: hubs find it by comparing heads, within a minute"
        case Whereabouts.beyond:
            said = f"not among the entries up to {seen.stream_id}; not looked further"
        case _:
            assert_never(seen.whereabouts)
    return f"{seen.lane}: {said}"


def _print_standing(standing: Standing) -> None:
    muted = ", muted" if standing.muted else ""
    print(f"@{standing.person.handle}  {standing.relation}{muted}, read up to {standing.read_seq}")
    for span in standing.spans:
        until = "now" if span.to_seq is None else span.to_seq
        print(f"  member     joined at {span.joined}, sees {span.from_seq} to {until}")
    if standing.blocked_at_ms is not None:
        print(f"  blocks     the author, since {_time(standing.blocked_at_ms)}")
    _print_devices(standing.devices, "this room")


def _print_devices(devices: Sequence[Device], what: str) -> None:
    for device in devices:
        state = "live" if device.live else device.ended
        received = "nothing said" if device.received is None else f"received {device.received}"
        print(
            f"  session    {device.session}  {state}, since {_time(device.created_at_ms)};"
            f" device {device.device} {device.platform} {device.version}: {received} of {what}"
        )
    if not devices:
        print("  session    none, ever")


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(sep=" ", timespec="milliseconds")
