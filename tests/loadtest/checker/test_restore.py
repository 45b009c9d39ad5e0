"""A log put back to an earlier point: what was acked above it may be gone, and nothing else."""

from __future__ import annotations

from uuid import UUID

from msgspec.structs import replace

from loadtest.torture import history as h
from loadtest.torture.checker.verdict import check
from proto.entry import Body, EntryKind

ADA, ROOM, PHONE, LAPTOP = UUID(int=1), UUID(int=9), UUID(int=11), UUID(int=12)
OLD, NEW = UUID(int=100), UUID(int=200)
S = 1_000_000_000


def _said(t: int, n: int, seq: int) -> list[h.AnyRecord]:
    return [
        h.Invoke(
            t=t,
            process="ada",
            n=n,
            op="post",
            author=ADA,
            room=ROOM,
            client_id=f"c{n}",
            text=f"{n}",
        ),
        h.Ok(t=t + 1, process="ada", n=n, seq=seq),
    ]


def _came(t: int, device: UUID, connection: str, generation: UUID, at: int) -> list[h.AnyRecord]:
    return [
        h.Connected(t=t, device=device, connection=connection, hub="h", generation=generation),
        h.Resumed(
            t=t, device=device, connection=connection, room=ROOM, status="live", from_seq=at + 1, head=at,
            msg_no=0, asked=at,
        ),
    ]  # fmt: skip


def _got(t: int, device: UUID, connection: str, n: int, seq: int) -> h.Deliver:
    return h.Deliver(
        t=t, device=device, connection=connection, room=ROOM, seq=seq, msg_no=seq - 1, kind=EntryKind.post,
        author=ADA, client_id=f"c{n}", body=Body(text=f"{n}"),
    )  # fmt: skip


def _row(seq: int, n: int) -> h.SqlEntry:
    return h.SqlEntry(
        t=0, room=ROOM, seq=seq, msg_no=seq - 1, kind=EntryKind.post, author=ADA, client_id=f"c{n}",
        body=Body(text=f"{n}"),
    )  # fmt: skip


def _history(*, kept: int | None) -> list[h.AnyRecord]:
    """Posts 1, 2 as seq 2, 3; the backup holds seq 2; after it post 3 becomes seq 3."""
    join = h.SqlEntry(
        t=0,
        room=ROOM,
        seq=1,
        msg_no=0,
        kind=EntryKind.join,
        author=ADA,
        subject=ADA,
        body=Body(role="owner"),
    )
    keeps = None if kept is None else {ROOM: kept}
    proof = {"generation_before": "a", "generation_after": "b"}
    return [
        h.Run(t=0, commit="c", scenario="restore", seed=1, machine="m"),
        h.Device(t=0, device=PHONE, person=ADA),
        *_came(1, PHONE, "p1", OLD, 1),
        *_said(2 * S, 1, 2),
        _got(2 * S + 2, PHONE, "p1", 1, 2),
        *_said(3 * S, 2, 3),
        _got(3 * S + 2, PHONE, "p1", 2, 3),
        h.FaultStart(t=3 * S + 3, fault="f", kind="restore", target="postgres"),
        h.Disconnected(t=3 * S + 4, device=PHONE, connection="p1", code=4000),
        h.Invoke(t=3 * S + 5, process="ada", n=9, op="read", author=ADA, room=ROOM, seq=0),
        h.FaultStop(t=4 * S, fault="f", proof={**proof}, kept=keeps),
        *_came(5 * S, PHONE, "p2", NEW, 2),
        *_said(6 * S, 3, 3),
        _got(6 * S + 2, PHONE, "p2", 3, 3),
        h.SqlRoom(t=0, room=ROOM, kind="group", history="all", head=3, msg_no=2, floor=0, generation=NEW),
        join, _row(2, 1), _row(3, 3),
        h.SqlSpan(t=0, room=ROOM, person=ADA, joined=1, from_seq=1),
    ]  # fmt: skip


def test_what_was_acked_above_the_backup_may_be_gone() -> None:
    """Its ack and its deliveries are held against nobody, though its seq is another's by now."""
    verdict = check(_history(kept=2))
    assert verdict.clean, [one.says for one in verdict.examples] + verdict.void


def test_what_the_backup_held_may_not_be_gone() -> None:
    """A restore that loses what was in the backup is a loss like any other."""
    assert check(_history(kept=3)).lost


def test_without_a_restore_nothing_may_be_gone() -> None:
    """A log that comes back shorter by itself has lost what it acked."""
    verdict = check(_history(kept=None))
    assert verdict.lost
    assert verdict.phantom


def test_what_is_acked_after_the_restore_is_held_to_account() -> None:
    """Only what was told before it is excused."""
    records = _history(kept=2)
    gone = [r for r in records if not (isinstance(r, h.SqlEntry) and r.seq == 3)]
    shorter = [replace(r, head=2, msg_no=1) if isinstance(r, h.SqlRoom) else r for r in gone]
    verdict = check(shorter)
    assert verdict.lost
    assert verdict.phantom
