"""More faults to plant: in the log itself, in what REST shows, and in a system that is dead.

Owns the second half of the catalogue, see planted.py.
"""

from __future__ import annotations

import random
from typing import Final

from msgspec.structs import replace

from loadtest.torture import history as h
from loadtest.torture.checker.books import ENTRIES
from loadtest.torture.checker.findings import Rule
from proto.entry import EntryKind
from tests.loadtest.checker.planted import (
    Planted,
    Planting,
    Records,
    _all,
    _any,
    _put,
    _with,
    _without,
)

# The log


def lose_a_row(records: Records, rng: random.Random) -> Planted | None:
    """Numbered and not inserted: a hole."""
    found = _any(records, h.SqlEntry, rng, lambda row: row.seq > 1)
    if found is None:
        return None
    n, row = found
    return Planted(_without(records, n), Rule.dense, row.room, None)


def number_two_alike(records: Records, rng: random.Random) -> Planted | None:
    """Two rows of one seq."""
    found = _any(records, h.SqlEntry, rng, lambda _: True)
    if found is None:
        return None
    n, row = found
    twin = replace(row, client_id="twin")
    return Planted(_with(records, n + 1, twin), Rule.dense, row.room, row.seq)


def insert_a_retry(records: Records, rng: random.Random) -> Planted | None:
    """No dedupe: a retry is another row, with the client id of the first."""
    found = _any(records, h.SqlEntry, rng, lambda row: row.kind is EntryKind.post)
    if found is None:
        return None
    row = found[1]
    n, room = next((n, room) for n, room in _all(records, h.SqlRoom) if room.room == row.room)
    more = replace(row, seq=room.head + 1, msg_no=room.msg_no + 1)
    grown = _put(records, n, replace(room, head=more.seq, msg_no=more.msg_no))
    return Planted([*grown, more], Rule.dense, row.room, more.seq)


def ack_without_a_row(records: Records, rng: random.Random) -> Planted | None:
    """Acked before COMMIT, and the COMMIT never came."""
    room = rng.choice([room for _, room in _all(records, h.SqlRoom) if room.kind != "self"])
    asked = next(op for _, op in _all(records, h.Invoke))
    post = h.Invoke(
        t=asked.t,
        process="x",
        n=1,
        op="post",
        author=asked.author,
        room=room.room,
        client_id="x",
        text="x",
    )
    done = h.Ok(t=asked.t + 1, process="x", n=1, seq=room.head + 1)
    return Planted([*records, post, done], Rule.lost, room.room, room.head + 1)


def ack_another_seq(records: Records, rng: random.Random) -> Planted | None:
    """A retry that is answered with the head instead of its own seq."""
    asked = {(op.process, op.n): op for _, op in _all(records, h.Invoke)}
    found = _any(
        records, h.Ok, rng, lambda ok: ok.seq is not None and asked[ok.process, ok.n].op in ENTRIES
    )
    if found is None:
        return None
    n, ok = found
    wrong = replace(ok, seq=(ok.seq or 0) + 1)
    return Planted(_put(records, n, wrong), Rule.lost, asked[ok.process, ok.n].room, wrong.seq)


def refuse_what_was_done(records: Records, rng: random.Random) -> Planted | None:
    """Refused for good, and committed."""
    asked = {(op.process, op.n): op for _, op in _all(records, h.Invoke)}
    doubted = {(info.process, info.n) for _, info in _all(records, h.Info)}
    found = _any(
        records,
        h.Ok,
        rng,
        lambda ok: asked[ok.process, ok.n].op == "post" and (ok.process, ok.n) not in doubted,
    )
    if found is None:
        return None
    n, ok = found
    no = h.Fail(t=ok.t, process=ok.process, n=ok.n, code=104)
    return Planted(_put(records, n, no), Rule.phantom, asked[ok.process, ok.n].room, ok.seq)


def number_against_time(records: Records, rng: random.Random) -> Planted | None:
    """An entry begun after another was acked stands before it: the later of two asked for it long ago."""
    ops = {(op.process, op.n): (n, op) for n, op in _all(records, h.Invoke)}
    rows = {
        (row.author, row.client_id): row for _, row in _all(records, h.SqlEntry) if row.client_id
    }
    acked = [
        (*ops[ok.process, ok.n], ok)
        for _, ok in _all(records, h.Ok)
        if ops[ok.process, ok.n][1].op == "post" and ok.fresh
    ]
    pairs = [
        (one, other)
        for one in acked
        for other in acked
        if one[1].room == other[1].room and (one[2].seq or 0) < (other[2].seq or 0)
    ]
    if not pairs:
        return None
    (n, early, told), (_, late, _) = rng.choice(pairs)
    # The earlier number was asked for, and acked, after the ack of the later one.
    end = max(record.t for record in records) + 1
    moved = _put(records, n, replace(early, t=end))
    row = rows[early.author, early.client_id or ""]
    moved = [replace(r, t=end + 1) if r is told else r for r in moved]
    assert late.room is not None
    return Planted(moved, Rule.order, row.room, row.seq)


def number_against_the_sender(records: Records, rng: random.Random) -> Planted | None:
    """Two posts on one socket, in doubt of none, change places."""
    doubted = {(info.process, info.n) for _, info in _all(records, h.Info)}
    done = {(ok.process, ok.n): ok for _, ok in _all(records, h.Ok)}
    sent = [
        (n, op)
        for n, op in _all(records, h.Invoke)
        if op.op == "post" and op.connection and (op.process, op.n) in done.keys() - doubted
    ]
    pairs = [
        (m, one, n, other)
        for m, one in sent
        for n, other in sent
        if m < n and (one.room, one.connection) == (other.room, other.connection)
    ]
    if not pairs:
        return None
    m, one, n, other = rng.choice(pairs)
    # Both were under way at once: the one sent second was begun, by its number, before the first.
    ok = done[one.process, one.n]
    first, second = replace(one, n=1_000_002), replace(other, n=1_000_001, t=one.t)
    told = done[other.process, other.n]
    moved = _put(_put(records, m, first), n, second)
    names = {id(ok): replace(ok, n=1_000_002, t=told.t), id(told): replace(told, n=1_000_001)}
    return Planted([names.get(id(r), r) for r in moved], Rule.order, one.room, told.seq)


def forget_a_span(records: Records, rng: random.Random) -> Planted | None:
    """A kick that does not end the membership."""
    found = _any(records, h.SqlSpan, rng, lambda span: span.to_seq is not None)
    if found is None:
        return None
    n, span = found
    return Planted(_put(records, n, replace(span, to_seq=None)), Rule.membership, span.room)


def let_the_kicked_speak(records: Records, rng: random.Random) -> Planted | None:
    """Lock and insert in one statement: a post of the kicked lands after the kick."""
    found = _any(records, h.SqlEntry, rng, lambda row: row.kind is EntryKind.kick)
    if found is None:
        return None
    kick = found[1]
    later = [
        (n, row)
        for n, row in _all(records, h.SqlEntry)
        if row.room == kick.room and row.seq == kick.seq + 1 and row.kind is EntryKind.post
    ]
    if not later or kick.subject is None:
        return None
    n, row = later[0]
    return Planted(
        _put(records, n, replace(row, author=kick.subject)), Rule.membership, row.room, row.seq
    )


def count_messages_wrong(records: Records, rng: random.Random) -> Planted | None:
    """msg_no moves with something that is no message."""
    found = _any(records, h.SqlEntry, rng, lambda row: row.seq > 1)
    if found is None:
        return None
    n, row = found
    return Planted(
        _put(records, n, replace(row, msg_no=row.msg_no + 1)), Rule.dense, row.room, row.seq
    )


# What REST shows


def show_stale_words(records: Records, rng: random.Random) -> Planted | None:
    """A page whose message misses an edit, a deletion or a reaction."""
    hidden = {(op.author, op.subject) for _, op in _all(records, h.Invoke) if op.op == "block"}
    found = _any(
        records, h.FreshPage, rng, lambda p: any(i.kind is EntryKind.post for i in p.items)
    )
    if found is None:
        return None
    n, page = found
    item = rng.choice([item for item in page.items if item.kind is EntryKind.post])
    if any(blocker == page.person for blocker, _ in hidden) or item.deleted_seq is not None:
        return None
    stale = replace(item, reactions={**item.reactions, "stale": 1})
    items = [stale if one is item else one for one in page.items]
    return Planted(_put(records, n, replace(page, items=items)), Rule.state, page.room, item.seq)


def fold_stale(records: Records, rng: random.Random) -> Planted | None:
    """A device that was told of an old message's reaction as it was, not as it is."""
    hidden = {op.author for _, op in _all(records, h.Invoke) if op.op == "block"}
    people = {device.device: device.person for _, device in _all(records, h.Device)}
    spans = {(s.room, s.person) for _, s in _all(records, h.SqlSpan) if s.to_seq is not None}
    late = max(record.t for _, record in _all(records, h.Resumed))
    found = _any(
        records,
        h.Deliver,
        rng,
        lambda d: (
            d.kind in (EntryKind.react, EntryKind.unreact)
            and d.t > late
            and people[d.device] not in hidden
            and (d.room, people[d.device]) not in spans
        ),
    )
    if found is None:
        return None
    n, react = found
    held = [
        d
        for _, d in _all(records[:n], h.Deliver)
        if (d.device, d.room, d.seq) == (react.device, react.room, react.body.target)
    ]
    deleted = {
        (r.room, r.body.target) for _, r in _all(records, h.SqlEntry) if r.kind is EntryKind.delete
    }
    if not held or (react.room, react.body.target) in deleted or held[-1].t < late:
        return None
    stale = replace(react, body=replace(react.body, emoji="stale"))
    return Planted(_put(records, n, stale), Rule.state, react.room, react.body.target, react.device)


def count_unread_wrong(records: Records, rng: random.Random) -> Planted | None:
    """A badge that is off by one."""
    n, shown = rng.choice(_all(records, h.FreshRoom))
    return Planted(
        _put(records, n, replace(shown, unread=shown.unread + 1)), Rule.state, shown.room
    )


def forget_a_room(records: Records, rng: random.Random) -> Planted | None:
    """A room list without a room that the self log added."""
    found = _any(records, h.FreshSelf, rng, lambda shown: bool(shown.rooms))
    if found is None:
        return None
    n, shown = found
    return Planted(
        _put(records, n, replace(shown, rooms=shown.rooms[1:])), Rule.selflog, shown.person
    )


def show_as_invited(records: Records, rng: random.Random) -> Planted | None:
    """A room list that calls an invitation what the self log added."""
    found = _any(records, h.FreshSelf, rng, lambda shown: bool(shown.rooms))
    if found is None:
        return None
    n, shown = found
    return Planted(
        _put(records, n, replace(shown, invited=shown.rooms[:1])), Rule.selflog, shown.person
    )


# A system that is dead


def ack_nothing_more(records: Records, rng: random.Random) -> Planted | None:
    """After the last fault everybody is there, and nothing is ever answered."""
    whole = max(stop.t for _, stop in _all(records, h.FaultStop))
    late = {(op.process, op.n) for _, op in _all(records, h.Invoke) if op.t > whole}
    dead = [r for r in records if not (isinstance(r, h.Ok) and (r.process, r.n) in late)]
    return Planted(dead, Rule.liveness)


def deliver_nothing_more(records: Records, rng: random.Random) -> Planted | None:
    """Everything is acked and safe, and one device never hears of it."""
    whole = max(stop.t for _, stop in _all(records, h.FaultStop))
    device = rng.choice([device.device for _, device in _all(records, h.Device)])
    deaf = [
        r
        for r in records
        if not (isinstance(r, h.Deliver | h.Skip) and r.device == device and r.t > whole)
    ]
    later = {op.room for _, op in _all(records, h.Invoke) if op.t > whole and op.op == "post"}
    told = {ok.room for _, ok in _all(records, h.Ok) if ok.t > whole}
    heard = {d.room for _, d in _all(records, h.Deliver) if d.t > whole and d.device == device}
    return Planted(deaf, Rule.liveness, device=device) if told and later & heard else None


def never_come_back(records: Records, rng: random.Random) -> Planted | None:
    """A device whose last socket broke, and that is never let in again."""
    last = _all(records, h.Connected)[-1][1]
    end = h.Disconnected(
        t=max(r.t for r in records), device=last.device, connection=last.connection, code=1006
    )
    return Planted([*records, end], Rule.liveness, device=last.device)


def recover_late(records: Records, rng: random.Random) -> Planted | None:
    """Nothing is lost, but it takes longer than promised."""
    n, run = _all(records, h.Run)[0]
    return Planted(_put(records, n, replace(run, recover_within_s=0.001)), Rule.liveness)


def ack_too_little(records: Records, rng: random.Random) -> Planted | None:
    """A run in which hardly anything was done."""
    n, run = _all(records, h.Run)[0]
    return Planted(_put(records, n, replace(run, minimum_acked=1_000_000)), Rule.liveness)


LOG: Final[tuple[Planting, ...]] = (
    lose_a_row, number_two_alike, insert_a_retry, ack_without_a_row, ack_another_seq, refuse_what_was_done,
    number_against_time, number_against_the_sender, forget_a_span, let_the_kicked_speak, count_messages_wrong,
    show_stale_words, fold_stale, count_unread_wrong, forget_a_room, show_as_invited,
    ack_nothing_more, deliver_nothing_more, never_come_back, recover_late, ack_too_little,
)  # fmt: skip
