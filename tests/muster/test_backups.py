"""The claims of muster/backups.py: which base, what may go, what is missing."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.archive import NAME, Kept, base_name, wal_name
from muster.backups import (
    ABANDONED_MS,
    BackupError,
    Holding,
    Label,
    chosen,
    course,
    hole,
    is_due,
    lacking,
    missing,
    outlived,
    segment,
)

SYSTEM = "7"
SEGMENT = 16 << 20
HOUR_MS = 3_600_000


def _id(number: int) -> str:
    return f"20260101T000000Z-{number:08x}"


def _label(number: int, ended_ms: int, first: int, timeline: int = 1) -> Label:
    """A base whose log begins in that file and ends in the next."""
    return Label(
        id=_id(number), system=SYSTEM, began_ms=ended_ms - 1000, ended_ms=ended_ms, timeline=timeline,
        start=first * SEGMENT + 40, end=(first + 1) * SEGMENT + 40, segment_bytes=SEGMENT,
        server_version=180_004, role="muster", database="muster", pieces=2, bytes=5, keys=False,
    )  # fmt: skip


def _file(timeline: int, number: int) -> str:
    return f"{timeline:08X}{number // 256:08X}{number % 256:08X}"


def _parts(label: Label) -> list[Kept]:
    names = ("000000", "000001", "label")
    return [Kept(base_name(SYSTEM, label.id, part), 1, label.ended_ms) for part in names]


def _holding(labels: list[Label], files: list[str], more: list[Kept] | None = None) -> Holding:
    objects = [part for label in labels for part in _parts(label)]
    objects += [Kept(wal_name(SYSTEM, file), 1, 0) for file in files]
    return Holding(
        SYSTEM, sorted(labels, key=lambda one: one.ended_ms), sorted(objects + (more or []))
    )


def test_a_moment_is_restored_from_the_last_base_before_it() -> None:
    """Without a moment from the newest; before the first there is nothing."""
    labels = [_label(1, 1000, 1), _label(2, 2000, 5), _label(3, 3000, 9)]
    assert chosen(labels, None) == labels[2]
    assert chosen(labels, 2000) == labels[1]
    assert chosen(labels, 2999) == labels[1]
    for nothing, moment in ((labels, 999), ([], None)):
        with pytest.raises(BackupError):
            chosen(nothing, moment)


def _left(*before: tuple[int, int]) -> str:
    """A history as Postgres writes it: timelines, and the file in which each was left."""
    at = ((timeline, *divmod(number * SEGMENT, 1 << 32)) for timeline, number in before)
    lines = (f"{timeline}\t{high:X}/{low:08X}\tbefore 2026-01-01" for timeline, high, low in at)
    return "\n\n".join(lines) + "\n"


# Three bases on timeline 1; a restore to after the first begins 2, and one to the same place begins 3.
HISTORIES = {2: _left((1, 7)), 3: _left((1, 7))}
LINES = _holding(
    [_label(1, 1000, 1), _label(2, 10_000, 9), _label(3, 30_000, 8, 2), _label(4, 50_000, 8, 3)],
    [],
    [Kept(wal_name(SYSTEM, f"0000000{n}.history"), 1, at) for n, at in ((2, 20_000), (3, 40_000))],
)


@pytest.mark.parametrize(
    ("to_ms", "timeline", "base", "along"),
    [
        (None, None, 4, 3),
        (50_000, None, 4, 3),
        (45_000, None, 1, 3),  # before its first base: from that of the timeline it came from
        (35_000, None, 3, 2),  # given up by the second restore, and lived on then
        (25_000, None, 1, 2),
        (15_000, None, 2, 1),  # given up by the first
        (5000, None, 1, 1),
        (None, 1, 2, 1),
        (None, 2, 3, 2),
        (25_000, 3, 1, 3),
    ],
)
def test_a_moment_is_reached_along_the_timeline_that_was_lived_on(
    to_ms: int | None, timeline: int | None, base: int, along: int
) -> None:
    """From a base that leads there: what a restore gave up is no way to what came after it."""
    found = course(LINES, HISTORIES, to_ms, timeline)
    assert (found.label.id, found.timeline) == (_id(base), along)


@pytest.mark.parametrize(
    ("to_ms", "along"), [(None, 1), (35_000, 1), (20_400, 1), (15_000, 1), (40_001, 1)]
)
def test_what_was_restored_for_a_drill_is_no_way_while_the_old_server_lives_on(
    to_ms: int | None, along: int
) -> None:
    """Although it began later, and wrote into the same archive for a while; by its number it is found."""
    tried, log = _label(2, 20_500, 5, 2), [_file(1, 9) + ".partial", "00000002.history"]
    objects = [
        Kept(wal_name(SYSTEM, f), 1, at) for f, at in zip(log, (40_000, 20_000), strict=True)
    ]
    holding = _holding([_label(1, 1000, 1), tried], [], objects)
    found = course(holding, HISTORIES, to_ms)
    assert (found.label.id, found.timeline) == (_id(1), along)
    assert course(holding, HISTORIES, None, 2).label == tried


def test_a_timeline_that_no_base_leads_to_is_a_sentence() -> None:
    """Rather than a Postgres that gives up in the middle."""
    with pytest.raises(BackupError, match="timeline 9"):
        course(LINES, HISTORIES, None, 9)


def test_a_hole_in_what_is_to_be_replayed_is_told() -> None:
    """Not what lies before the base, nor what another timeline has."""
    base, files = _label(1, 1000, 4), [_file(1, n) for n in (1, 6, 7, 8, 9)]
    for there, told in (
        (files, ""),
        ([], ""),
        (files[:3] + files[4:], _file(1, 9)),
        (files[:2] + files[4:], _file(1, 9)),
        ([*files[:3], _file(1, 8) + ".partial"], ""),
    ):
        holding = _holding([base], there)
        said = hole(holding, course(holding, {}, None))
        assert told in said
        assert bool(told) == bool(said)
    # Left in file 7: 8 and 9 of timeline 1 were given up, so 9 of timeline 2 comes after a hole.
    holding = _holding([base], [*files, _file(2, 7), _file(2, 9)])
    assert _file(2, 9) in hole(holding, course(holding, HISTORIES, None, 2))


@given(
    st.lists(
        st.tuples(st.integers(1, 48), st.integers(1, 6), st.booleans()), min_size=1, max_size=12
    ),
    st.integers(1, 200),
    st.integers(0, 100),
)
def test_pruning_keeps_all_that_a_moment_of_the_days_kept_needs(
    steps: list[tuple[int, int, bool]], keep_h: int, since_h: int
) -> None:
    """Every moment that was restorable and is not outlived still is, also across a restore to an earlier position."""
    labels, at, timeline, files = [], 10, 1, set[str]()
    ends = list(accumulate(hours for hours, _, _ in steps))
    for number, (ended_h, (_, grew, went_back)) in enumerate(zip(ends, steps, strict=True)):
        if went_back:
            timeline, at = timeline + 1, max(1, at - 8)
        labels.append(_label(number, ended_h * HOUR_MS, at, timeline))
        files |= {_file(timeline, n) for n in range(at, at + grew + 2)}
        at += grew
    holding = _holding(labels, sorted(files))
    now_ms, keep_ms = (ends[-1] + since_h) * HOUR_MS, keep_h * HOUR_MS
    gone = set(outlived(holding, now_ms, keep_ms))
    assert all(NAME.fullmatch(name) for name in gone)
    for moment in {max(now_ms - keep_ms, labels[0].ended_ms), *(e * HOUR_MS for e in ends), now_ms}:
        if moment < max(now_ms - keep_ms, labels[0].ended_ms):
            continue
        base = chosen(labels, moment)
        assert not gone & {part.name for part in _parts(base)}
        first = base.start // SEGMENT
        later = [name for name in files if (s := segment(name, SEGMENT)) and s.number >= first]
        assert not gone & {wal_name(SYSTEM, name) for name in later}


def test_what_is_outlived_goes_and_its_label_first() -> None:
    """A base and the log before the first that is kept; histories of timelines stay, they are small."""
    labels = [_label(1, 1 * HOUR_MS, 2), _label(2, 2 * HOUR_MS, 5), _label(3, 9 * HOUR_MS, 8)]
    files = [_file(1, n) for n in range(1, 12)] + ["00000002.history", _file(1, 12) + ".partial"]
    gone = outlived(_holding(labels, files), 10 * HOUR_MS, 3 * HOUR_MS)
    bases = [base_name(SYSTEM, _id(1), part) for part in ("label", "000000", "000001")]
    assert gone == [*bases, *(wal_name(SYSTEM, _file(1, n)) for n in range(1, 5))]


def test_the_newest_base_stays_however_old_it_is() -> None:
    """Backups that stopped a year ago are better than none."""
    holding = _holding([_label(1, HOUR_MS, 2), _label(2, 2 * HOUR_MS, 3)], [_file(1, 3)])
    gone = outlived(holding, 9000 * HOUR_MS, HOUR_MS)
    assert {name for name in gone if _id(2) in name or "/wal/" in name} == set()


def test_a_base_that_was_never_finished_goes_once_it_cannot_be_on_its_way() -> None:
    """Without a label nobody restores from it."""
    now_ms = 100 * 24 * HOUR_MS
    fresh, old = (
        Kept(base_name(SYSTEM, _id(n), "000000"), 1, now_ms - age)
        for n, age in ((8, 1000), (9, ABANDONED_MS + 1000))
    )
    holding = _holding([_label(1, now_ms, 2)], [], [fresh, old])
    assert outlived(holding, now_ms, HOUR_MS) == [old.name]


def test_a_base_is_due_by_its_age_and_in_each_history() -> None:
    """After a restore at once."""
    labels = [_label(1, HOUR_MS, 2, timeline=1)]
    assert not is_due(labels, 1, 24 * HOUR_MS, 24 * HOUR_MS)
    assert is_due(labels, 1, 25 * HOUR_MS, 24 * HOUR_MS)
    assert is_due(labels, 2, HOUR_MS + 1, 24 * HOUR_MS)
    assert is_due([], 1, 0, 24 * HOUR_MS)


def test_holes_in_the_log_are_found() -> None:
    """One sentence each; what a base brings itself is none, nor what lies before the first."""
    base = _label(1, HOUR_MS, 4)
    whole = [_file(1, n) for n in (1, 6, 7, 8)]
    assert missing(_holding([base], [*whole, _file(1, 9) + ".partial"])) == []
    assert len(missing(_holding([base], [_file(1, n) for n in (7, 8, 11)]))) == 2
    assert missing(_holding([base], [])) == []


def test_parts_of_a_base_that_are_not_there_are_named() -> None:
    """Pieces by their number, keys if it has any."""
    base = _label(1, HOUR_MS, 4)
    assert lacking(base, _parts(base)) == []
    assert lacking(base, _parts(base)[1:]) == ["000000"]


@pytest.mark.parametrize(
    ("file", "number"),
    [
        ("000000010000000000000003", 3),
        ("000000020000000100000000", 256),
        ("00000001000000000000000A.partial", 10),
    ],
)
def test_files_of_the_log_are_ordered_by_their_names(file: str, number: int) -> None:
    """As Postgres counts them, 256 of 16 MiB to a log."""
    found = segment(file, SEGMENT)
    assert found is not None
    assert (found.number, found.partial) == (number, file.endswith(".partial"))
    assert segment("00000002.history", SEGMENT) is None
