"""The claims of muster/doubt.py, against a model of a lane that knows what was lost."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from muster.doubt import Cause, EntryId, Observed, Reading, cause_of_doubt


@dataclass
class Lane:
    """A stream and one reader of it, who has a cursor and has seen entries."""

    kept: list[int] = field(default_factory=list)
    last: int = 0
    run: int = 0
    history: int = 0
    epoch: int = 0
    cursor: int = 0
    looked: int = 0
    lost: bool = False
    _sound: Observed | None = None

    def observe(self) -> Observed:
        first = EntryId(self.kept[0], 0) if self.kept else None
        names = (b"%d" % self.run, b"%d" % self.history, b"%d" % self.epoch)
        return Observed(*names, EntryId(self.last, 0), first)

    def look(self) -> Cause | None:
        now = self.observe()
        before, self._sound = self._sound, now
        read = Reading(EntryId(self.looked, 0), EntryId(self.cursor, 0))
        cause = cause_of_doubt(read, before, now) if before else None
        if before is None or cause:
            self.cursor = self.last
            self.lost = False
        self.looked = self.cursor
        return cause

    def add(self, count: int) -> None:
        for _ in range(count):
            self.last += 1
            self.kept.append(self.last)

    def read(self) -> None:
        for entry in self.kept:
            self.cursor = max(self.cursor, entry)

    def trim(self, keep: int) -> None:
        self._drop(self.kept[: len(self.kept) - keep])
        self.kept = self.kept[len(self.kept) - keep :] if keep else []

    def recreate(self, start: int) -> None:
        self._drop(self.kept)
        self.kept, self.last = [], start
        self.epoch += 1
        self.add(1)

    def restart_empty(self, start: int) -> None:
        self.run += 1
        self.history += 1
        self.recreate(start)

    def restart_whole(self) -> None:
        self.run += 1

    def fail_over(self, behind: int) -> None:
        """To a replica that lacks the last entries, which then gives their ids to others."""
        lacking = self.kept[len(self.kept) - behind :] if behind else []
        self._drop(lacking)
        self.kept = self.kept[: len(self.kept) - len(lacking)]
        self.last -= len(lacking)
        self.run += 1
        self.history += 1

    def play(self, steps: list[tuple[str, int]]) -> None:
        for name, *amount in steps:
            getattr(self, name)(*amount)

    def _drop(self, gone: list[int]) -> None:
        self.lost = self.lost or any(entry > self.cursor for entry in gone)


_TRIMS = st.tuples(st.just("trim"), st.integers(0, 3))
_BREAKS = st.one_of(
    _TRIMS,
    st.tuples(st.just("recreate"), st.integers(0, 30)),
    st.tuples(st.just("restart_empty"), st.integers(0, 30)),
    st.tuples(st.just("restart_whole")),
    st.tuples(st.just("fail_over"), st.integers(0, 4)),
)
_ADDS = st.tuples(st.just("add"), st.integers(1, 5))
_READS = st.tuples(st.just("read"))


@given(
    before=st.lists(st.one_of(_ADDS, _READS), max_size=5),
    looks=st.booleans(),
    pause=st.lists(st.one_of(_ADDS, _BREAKS), max_size=8),
)
def test_no_loss_goes_without_doubt(
    before: list[tuple[str, int]], *, looks: bool, pause: list[tuple[str, int]]
) -> None:
    """Whatever happens between two looks, an unread entry that is gone is doubted."""
    lane = Lane(last=10)
    lane.look()
    lane.play(before)
    if looks:
        lane.look()
    lane.play(pause)
    lost = lane.lost
    assert lane.look() is not None or not lost


@given(
    before=st.lists(st.one_of(_ADDS, _READS), max_size=5),
    between=st.lists(st.one_of(_ADDS, _READS, _TRIMS), max_size=8),
)
def test_trimming_past_a_reader_that_reads_on_is_doubted(
    before: list[tuple[str, int]], between: list[tuple[str, int]]
) -> None:
    """Entries that went between two reads are missed however soon the next read came."""
    lane = Lane(last=10)
    lane.look()
    lane.play(before)
    lane.look()
    lane.play(between)
    lost = lane.lost
    assert lane.look() is not None or not lost


@given(
    broken=_BREAKS.filter(lambda step: step[0] in ("recreate", "restart_empty", "fail_over")),
    after=st.lists(st.one_of(_ADDS, _READS), max_size=6),
)
def test_reading_on_hides_no_break(broken: tuple[str, int], after: list[tuple[str, int]]) -> None:
    """A lane that is another one is doubted, however far it was read since."""
    lane = Lane(last=10)
    lane.look()
    lane.add(3)
    lane.read()
    lane.play([broken, *after])
    assert lane.look() is not None


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.integers(6, 9))
def test_a_lane_that_keeps_what_comes_between_looks_is_not_doubted(
    amounts: list[int], keep: int
) -> None:
    """Adding, reading, looking, and trimming to more than came since the look before."""
    lane = Lane(kept=[10], last=10)
    lane.look()
    for amount in amounts:
        lane.add(amount)
        lane.read()
        lane.trim(min(keep, len(lane.kept)))
        assert lane.look() is None


def test_each_cause_has_its_name() -> None:
    """The metric tells an operator what happened."""
    at = EntryId(5, 0)
    read = Reading(at, at)
    sound = Observed(b"run", b"repl", b"epoch", at, at)
    assert cause_of_doubt(read, sound, sound) is None
    later = EntryId(6, 0)
    for now, cause in [
        (sound._replace(epoch=b"x"), Cause.recreated),
        (sound._replace(run_id=b"x"), Cause.restarted),
        (sound._replace(replid=b"x"), Cause.failed_over),
        (sound._replace(last=EntryId(4, 9)), Cause.went_back),
        (sound._replace(first=EntryId(5, 1), last=later), Cause.trimmed),
        (sound._replace(first=None, last=later), Cause.trimmed),
    ]:
        assert cause_of_doubt(read, sound, now) is cause
