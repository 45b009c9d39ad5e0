"""What is right is found right, whatever happens: the checker never cries wolf."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loadtest.torture import history as h
from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.checker.selflog import Self, _compare
from loadtest.torture.checker.verdict import check
from loadtest.torture.journal import Writer, read
from proto.entry import Body, EntryKind
from tests.loadtest.checker.model import Model


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), steps=st.integers(20, 400))
def test_a_correct_history_passes(seed: int, steps: int) -> None:
    """Gaps, skips, kicks, blocks, lost acks and outcomes never learnt are no faults."""
    verdict = check(Model(seed).live(steps))
    assert verdict.clean, [finding.says for finding in verdict.examples] + verdict.void
    assert verdict.acked
    assert verdict.delivered


def test_an_invitation_that_is_declined_is_no_entry_of_the_room() -> None:
    """The head is told; who was not invited and leaves a room they are not in is told nothing fresh."""
    records = Model(5).live(80)
    row = next(record for record in records if isinstance(record, h.SqlEntry) and record.seq > 3)
    stranger, t = UUID(int=404), max(record.t for record in records)
    invited: list[h.AnyRecord] = [
        h.Invoke(
            t=0, process="x", n=1, op="invite", author=row.author, room=row.room, subject=stranger
        ),
        h.Ok(t=1, process="x", n=1),
    ]
    declined: list[h.AnyRecord] = [
        h.Invoke(t=t + 1, process="x", n=2, op="leave", author=stranger, room=row.room),
        h.Ok(t=t + 2, process="x", n=2, seq=row.seq),
    ]
    assert check([*records, *invited, *declined]).lost == 0
    assert check([*records, *declined]).lost == 1


def test_who_is_invited_again_after_a_kick_has_the_room_in_their_list() -> None:
    """As an invitation, by the self log and by REST; a list without it, or with more than that, is wrong."""
    person, room = UUID(int=1), UUID(int=2)
    told = Self()
    for seq, kind in enumerate((EntryKind.room_added, EntryKind.room_removed, EntryKind.invited)):
        told.take(
            h.SqlEntry(
                t=seq, room=person, seq=seq + 1, msg_no=0, kind=kind, author=room, subject=person,
                body=Body(room=room),
            )
        )  # fmt: skip
    for rooms, invited, wrong in [([room], [room], 0), ([room], [], 1), ([], [], 1)]:
        shown = h.FreshSelf(t=9, person=person, rooms=rooms, invited=invited)
        findings = Findings()
        _compare(shown, told, "the self log", None, findings)
        assert findings.counts[Rule.selflog] == wrong


def test_a_history_in_files_reads_as_it_was_written(tmp_path: Path) -> None:
    """One file per writer, merged by time; the verdict is the same."""
    records = sorted(Model(11).live(150), key=lambda record: record.t)
    writers = [Writer(tmp_path / f"{n}.jsonl") for n in range(3)]
    for record in records:
        writers[record.t % 3].write(record)
    for writer in writers:
        writer.close()
    found = read(tmp_path)
    assert [record.t for record in found] == [record.t for record in records]
    assert check(found).clean
    assert check(found).delivered == check(records).delivered


def test_a_torn_line_is_never_skipped(tmp_path: Path) -> None:
    """A run whose record was cut off by a kill has no verdict."""
    with Writer(tmp_path / "a.jsonl") as writer:
        writer.write(Model(1).records[0])
    with (tmp_path / "a.jsonl").open("ab") as torn:
        torn.write(b'{"type":"ok","t":1,"proc')
    with pytest.raises(msgspec.DecodeError):
        read(tmp_path)


def test_the_generator_reaches_what_it_is_for() -> None:
    """Histories without gaps, skips, kicks, blocks and outcomes never learnt would prove little."""
    records = [record for seed in range(40) for record in Model(seed).live(200)]
    kinds = Counter(type(record) for record in records)
    for kind in (h.Gap, h.Skip, h.Fetched, h.Changed, h.Info, h.Fail, h.Disconnected, h.FaultStop):
        assert kinds[kind] > 5, kind
    asked = Counter(record.op for record in records if isinstance(record, h.Invoke))
    for op in ("kick", "leave", "block", "unblock", "edit", "delete", "react", "unreact", "read"):
        assert asked[op] > 5, op
    states = Counter(record.status for record in records if isinstance(record, h.Resumed))
    assert states["removed"]
    assert states["gap"]
