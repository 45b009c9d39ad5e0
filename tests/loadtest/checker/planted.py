"""Faults to plant in a correct history: each changes records as a broken system would, and says what must be found.

Owns the catalogue. A planting returns None where this history offers no place for it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar
from uuid import UUID

from msgspec.structs import replace

from loadtest.torture import history as h
from loadtest.torture.checker.findings import Rule
from loadtest.torture.record import Record
from proto.entry import Body, EntryKind

Records = list[h.AnyRecord]
R = TypeVar("R", bound=Record)


class Planted(NamedTuple):
    """The records with the fault in them, and what a finding about it must name."""

    records: Records
    rule: Rule
    room: UUID | None = None
    seq: int | None = None
    device: UUID | None = None


Planting = Callable[[Records, random.Random], Planted | None]


def _all(records: Records, kind: type[R]) -> list[tuple[int, R]]:
    return [(n, record) for n, record in enumerate(records) if isinstance(record, kind)]


def _any(
    records: Records, kind: type[R], rng: random.Random, fits: Callable[[R], bool]
) -> tuple[int, R] | None:
    found = [(n, record) for n, record in _all(records, kind) if fits(record)]
    return rng.choice(found) if found else None


def _posts(records: Records, rng: random.Random) -> tuple[int, h.Deliver] | None:
    """Some delivery of a message that is never asked for again: its device holds what comes after it."""
    back = {(r.device, r.room): r.asked for _, r in _all(records, h.Resumed) if r.asked is not None}
    return _any(
        records,
        h.Deliver,
        rng,
        lambda d: d.kind is EntryKind.post and d.seq <= back.get((d.device, d.room), 1 << 60),
    )


def _without(records: Records, n: int) -> Records:
    return records[:n] + records[n + 1 :]


def _with(records: Records, n: int, *new: h.AnyRecord) -> Records:
    return [*records[:n], *new, *records[n:]]


def _put(records: Records, n: int, new: h.AnyRecord) -> Records:
    return [*records[:n], new, *records[n + 1 :]]


# Between hub and device


def drop_a_delivery(records: Records, rng: random.Random) -> Planted | None:
    """A hub forgot one entry for one socket."""
    if (found := _posts(records, rng)) is None:
        return None
    n, gone = found
    return Planted(_without(records, n), Rule.lost, gone.room, gone.seq, gone.device)


def deliver_twice(records: Records, rng: random.Random) -> Planted | None:
    """Nobody drops what comes twice."""
    if (found := _posts(records, rng)) is None:
        return None
    n, twice = found
    return Planted(_with(records, n, twice), Rule.duplicated, twice.room, twice.seq, twice.device)


def swap_two(records: Records, rng: random.Random) -> Planted | None:
    """Entries leave in the order of Redis instead of that of the log."""
    last: dict[tuple[str, UUID], int] = {}
    pairs = []
    for n, one in _all(records, h.Deliver):
        before = last.get((one.connection, one.room))
        if before is not None:
            pairs.append((before, n))
        last[one.connection, one.room] = n
    pairs = [
        (m, n)
        for m, n in pairs
        if all(_is_post(records[x]) for x in (m, n)) and _seq(records[n]) == _seq(records[m]) + 1
    ]
    if not pairs:
        return None
    m, n = rng.choice(pairs)
    first, second = records[m], records[n]
    assert isinstance(first, h.Deliver)
    assert isinstance(second, h.Deliver)
    swapped = _put(_put(records, m, replace(second, t=first.t)), n, replace(first, t=second.t))
    return Planted(swapped, Rule.reordered, first.room, first.seq, first.device)


def _is_post(record: h.AnyRecord) -> bool:
    return isinstance(record, h.Deliver) and record.kind is EntryKind.post


def _seq(record: h.AnyRecord) -> int:
    return record.seq if isinstance(record, h.Deliver) else 0


def deliver_what_nobody_said(records: Records, rng: random.Random) -> Planted | None:
    """An entry that was rolled back was published before its COMMIT."""
    heads = {room.room: room.head for _, room in _all(records, h.SqlRoom)}
    live = [(n, d) for n, d in _all(records, h.Deliver) if d.seq == heads[d.room] and _is_post(d)]
    if not live:
        return None
    n, last = rng.choice(live)
    ghost = replace(last, seq=last.seq + 1, client_id="ghost")
    return Planted(_with(records, n + 1, ghost), Rule.phantom, last.room, ghost.seq, last.device)


def deliver_other_words(records: Records, rng: random.Random) -> Planted | None:
    """Two entries' bodies were mixed up."""
    found = _any(records, h.Deliver, rng, lambda d: _is_post(d) and d.body.text is not None)
    deleted = {
        (r.room, r.body.target) for _, r in _all(records, h.SqlEntry) if r.kind is EntryKind.delete
    }
    if found is None or (found[1].room, found[1].seq) in deleted:
        return None
    n, worded = found
    other = replace(worded, body=Body(text="never said"))
    return Planted(_put(records, n, other), Rule.phantom, worded.room, worded.seq, worded.device)


def deliver_after_the_kick(records: Records, rng: random.Random) -> Planted | None:
    """The hub had not heard of it yet."""
    people = {device.device: device.person for _, device in _all(records, h.Device)}
    rows = {(row.room, row.seq): row for _, row in _all(records, h.SqlEntry)}
    spans = [span for _, span in _all(records, h.SqlSpan)]
    found = _any(
        records,
        h.Deliver,
        rng,
        lambda d: (
            d.kind in (EntryKind.kick, EntryKind.leave)
            and d.subject == people[d.device]
            and (d.room, d.seq + 1) in rows
            and not any(
                span.from_seq <= d.seq + 1 <= (span.to_seq or 1 << 60)
                for span in spans
                if (span.room, span.person) == (d.room, d.subject)
            )
        ),
    )
    if found is None:
        return None
    n, kick = found
    row = rows[kick.room, kick.seq + 1]
    late = replace(
        kick, seq=row.seq, msg_no=row.msg_no, kind=row.kind, author=row.author, subject=row.subject,
        client_id=row.client_id or "", body=row.body,
    )  # fmt: skip
    return Planted(_with(records, n + 1, late), Rule.trespass, kick.room, late.seq, kick.device)


def deliver_from_the_blocked(records: Records, rng: random.Random) -> Planted | None:
    """A hub that never heard of the block: the author is said to have been blocked long before."""
    people = {device.device: device.person for _, device in _all(records, h.Device)}
    start = min(op.t for _, op in _all(records, h.Invoke))
    found = _any(
        records,
        h.Deliver,
        rng,
        lambda d: (
            _is_post(d)
            and d.author != people[d.device]
            and not any(
                op.op == "unblock" and (op.author, op.subject) == (people[d.device], d.author)
                for _, op in _all(records, h.Invoke)
            )
        ),
    )
    if found is None:
        return None
    shown = found[1]
    n = next(n for n, _ in _all(records, h.Invoke))
    early = start - 1
    asked = h.Invoke(
        t=early,
        process="blocker",
        n=1,
        op="block",
        author=people[shown.device],
        subject=shown.author,
    )
    done = h.Ok(t=early - 3_000_000_000, process="blocker", n=1, seq=None)
    return Planted(_with(records, n, asked, done), Rule.block, shown.room, shown.seq, shown.device)


def show_the_block(records: Records, rng: random.Random) -> Planted | None:
    """A post into a direct room is refused because of a block."""
    direct = next(room.room for _, room in _all(records, h.SqlRoom) if room.kind == "direct")
    pair = [span.person for _, span in _all(records, h.SqlSpan) if span.room == direct][:2]
    if len(pair) < 2:
        return None
    t = max(op.t for _, op in _all(records, h.Invoke))
    block = h.Invoke(t=t, process="x", n=1, op="block", author=pair[0], subject=pair[1])
    post = h.Invoke(
        t=t + 9_000_000_000, process="x", n=2, op="post", author=pair[1], room=direct, client_id="x"
    )
    told: Records = [
        block,
        h.Ok(t=t, process="x", n=1),
        post,
        h.Fail(t=post.t, process="x", n=2, code=103),
    ]
    return Planted([*records, *told], Rule.block, direct)


def skip_what_is_not_hidden(records: Records, rng: random.Random) -> Planted | None:
    """A hub says skip where it does not know better."""
    people = {device.device: device.person for _, device in _all(records, h.Device)}
    hidden = {(op.author, op.subject) for _, op in _all(records, h.Invoke) if op.op == "block"}
    deleted = {
        (r.room, r.body.target) for _, r in _all(records, h.SqlEntry) if r.kind is EntryKind.delete
    }
    found = _any(
        records,
        h.Deliver,
        rng,
        lambda d: (
            _is_post(d)
            and (people[d.device], d.author) not in hidden
            and (d.room, d.seq) not in deleted
        ),
    )
    if found is None:
        return None
    n, hid = found
    skip = h.Skip(
        t=hid.t,
        device=hid.device,
        connection=hid.connection,
        room=hid.room,
        from_seq=hid.seq,
        to_seq=hid.seq,
    )
    return Planted(_put(records, n, skip), Rule.skip, hid.room, hid.seq, hid.device)


def take_a_skip_for_a_delivery(records: Records, rng: random.Random) -> Planted | None:
    """A recorder that counts what was skipped as delivered."""
    found = _any(records, h.Skip, rng, lambda skip: skip.from_seq == skip.to_seq)
    if found is None:
        return None
    n, skip = found
    taken = h.Deliver(
        t=skip.t, device=skip.device, connection=skip.connection, room=skip.room, seq=skip.from_seq, msg_no=0,
        kind=EntryKind.post, author=UUID(int=0),
    )  # fmt: skip
    return Planted(_put(records, n, taken), Rule.phantom, skip.room, taken.seq, skip.device)


def deliver_unasked(records: Records, rng: random.Random) -> Planted | None:
    """A socket that is gone, or came in without resuming, still gets entries."""
    if (found := _posts(records, rng)) is None:
        return None
    n, one = found
    stray = replace(one, connection="another")
    return Planted(_put(records, n, stray), Rule.stray, one.room, one.seq, one.device)


def call_a_member_gone(records: Records, rng: random.Random) -> Planted | None:
    """A hub that reads old rows says `removed` to somebody who is in."""
    spans: dict[tuple[UUID, UUID], list[h.SqlSpan]] = {}
    for _, span in _all(records, h.SqlSpan):
        spans.setdefault((span.room, span.person), []).append(span)
    people = {device.device: device.person for _, device in _all(records, h.Device)}
    found = _any(
        records,
        h.Resumed,
        rng,
        lambda r: (
            r.asked is not None
            and r.asked > 0
            and r.status == "live"
            and r.room != people[r.device]
            and all(span.to_seq is None for span in spans[r.room, people[r.device]])
        ),
    )
    if found is None:
        return None
    n, there = found
    if not any(
        isinstance(before, h.Deliver) and (before.device, before.room) == (there.device, there.room)
        for before in records[:n]
    ):
        return None
    gone = replace(there, status="removed", from_seq=0, head=0)
    return Planted(_put(records, n, gone), Rule.lost, there.room, None, there.device)


def never_fetch_a_gap(records: Records, rng: random.Random) -> Planted | None:
    """A client that moves its position over a gap and forgets it."""
    spans = [span for _, span in _all(records, h.SqlSpan) if span.to_seq is not None]
    out = {(span.room, span.person) for span in spans}
    people = {device.device: device.person for _, device in _all(records, h.Device)}
    found = _any(
        records,
        h.Fetched,
        rng,
        lambda page: (
            (page.room, people[page.device]) not in out
            and any(item.kind is EntryKind.post for item in page.items)
        ),
    )
    if found is None:
        return None
    n, page = found
    seq = next(item.seq for item in page.items if item.kind is EntryKind.post)
    again = (
        r
        for r in records[n:]
        if isinstance(r, h.Resumed) and r.device == page.device and r.room == page.room
    )
    if any(r.asked is not None and r.asked < seq for r in again):
        return None
    return Planted(_without(records, n), Rule.unfetched, page.room, seq, page.device)


def leave_out_of_a_page(records: Records, rng: random.Random) -> Planted | None:
    """A page of history that claims more than it holds."""
    found = _any(
        records, h.Fetched, rng, lambda page: any(i.kind is EntryKind.post for i in page.items)
    )
    if found is None:
        return None
    n, page = found
    people = {device.device: device.person for _, device in _all(records, h.Device)}
    gone = next(item for item in page.items if item.kind is EntryKind.post)
    blocks = {(op.author, op.subject) for _, op in _all(records, h.Invoke) if op.op == "block"}
    if (people[page.device], gone.author) in blocks:
        return None
    less = replace(page, items=[item for item in page.items if item.seq != gone.seq])
    return Planted(_put(records, n, less), Rule.lost, page.room, gone.seq, page.device)


HUB: Final[tuple[Planting, ...]] = (
    drop_a_delivery, deliver_twice, swap_two, deliver_what_nobody_said, deliver_other_words,
    deliver_after_the_kick, deliver_from_the_blocked, show_the_block, skip_what_is_not_hidden,
    take_a_skip_for_a_delivery, deliver_unasked, call_a_member_gone, never_fetch_a_gap, leave_out_of_a_page,
)  # fmt: skip
