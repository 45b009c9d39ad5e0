"""Who comes to an event by fixes is let in when the answer says so, and whatever else it says is a failure."""

from uuid import UUID

from loadtest.swarm import rows
from loadtest.swarm.coming import Coming
from proto.frames import Fixes, Placed
from proto.place import EventPlace, PhoneFix

EVENT, ELSEWHERE = UUID(int=1), UUID(int=2)
FIXES = [PhoneFix(48.2, 16.3, 10.0, 1_000)]


class _Scene:
    """Somebody due at 100 s, and what was recorded of them."""

    def __init__(self) -> None:
        self.let_in = 0
        self.recorded: list[tuple[str, float | None, str | None]] = []
        self.coming = Coming(100.0, EVENT, lambda: FIXES, self._in)

    def _in(self) -> None:
        self.let_in += 1

    def record(
        self, name: str, took_s: float | None, size: int = 0, failure: str | None = None, /
    ) -> None:
        self.recorded.append((name, took_s, failure))

    def sent(self, at: float) -> Fixes | None:
        return self.coming.due(5, at, self.record)

    def hears(self, event: UUID, phase: str, at: float) -> None:
        place = EventPlace(event, phase)  # type: ignore[arg-type]  # a phase
        self.coming.placed(Placed(5, ["judged"], [place]), 10, at, self.record)


def test_the_time_counts_from_when_it_was_due() -> None:
    """Sent once, and let in once."""
    scene = _Scene()
    assert (scene.coming.next_at(), scene.sent(99.0)) == (100.0, None)
    assert scene.sent(102.0) == Fixes(5, FIXES)
    assert scene.sent(103.0) is None
    scene.hears(EVENT, "inside", 103.0)
    scene.hears(EVENT, "inside", 104.0)
    assert scene.recorded == [(rows.CHECK_IN, 3.0, None)]
    assert (scene.let_in, scene.sent(200.0)) == (1, None)


def test_who_is_not_inside_is_not_let_in() -> None:
    """Nor is who is inside of something else, refused, or not answered within 5 s."""
    for event, phase in ((EVENT, "pending_in"), (ELSEWHERE, "inside")):
        scene = _Scene()
        scene.sent(100.0)
        scene.hears(event, phase, 101.0)
        assert scene.recorded == [(rows.CHECK_IN, 1.0, "not inside by fixes in the middle of it")]
        assert scene.let_in == 0
    scene = _Scene()
    scene.sent(100.0)
    assert scene.coming.next_at() == 105.0
    assert scene.sent(105.0) is None
    assert scene.recorded == [(rows.CHECK_IN, 5.0, "no answer within 5 s")]


def test_on_another_socket_it_is_told_again() -> None:
    """The first ended before the answer."""
    scene = _Scene()
    scene.sent(100.0)
    scene.coming.broken()
    assert scene.sent(104.0) == Fixes(5, FIXES)
    scene.hears(EVENT, "inside", 104.5)
    assert scene.recorded == [(rows.CHECK_IN, 4.5, None)]
