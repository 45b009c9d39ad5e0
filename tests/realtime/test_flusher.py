"""The claims of realtime/flusher.py: everybody once, and a large room holds up nobody else."""

from __future__ import annotations

from collections.abc import Callable

from realtime.flusher import LEAST, SLICE, Flusher


class Ticks:
    """What the loop would call in its next tick."""

    def __init__(self) -> None:
        self._next: list[Callable[[], None]] = []

    def soon(self, call: Callable[[], None]) -> None:
        self._next.append(call)

    def turn(self) -> bool:
        calls, self._next = self._next, []
        for call in calls:
            call()
        return bool(calls)


class Marked:
    """A socket that notes when it was flushed."""

    def __init__(self, name: int, flushed: list[int]) -> None:
        self._name = name
        self._flushed = flushed

    def flush(self) -> None:
        self._flushed.append(self._name)


def test_what_is_marked_in_a_tick_is_flushed_at_its_end() -> None:
    """In one call, however many there are, as long as they are no large room."""
    ticks, flushed = Ticks(), list[int]()
    flusher = Flusher(ticks.soon)
    for n in range(SLICE):
        flusher.mark(Marked(n, flushed))
    assert flushed == []
    assert ticks.turn()
    assert flushed == list(range(SLICE))
    assert not ticks.turn()


def test_a_large_room_takes_several_ticks_and_everybody_once() -> None:
    """Nobody is forgotten, and no tick writes more than a slice."""
    ticks, flushed = Ticks(), list[int]()
    flusher = Flusher(ticks.soon)
    for n in range(10 * SLICE):
        flusher.mark(Marked(n, flushed))
    before = 0
    while ticks.turn():
        assert len(flushed) - before <= SLICE + LEAST
        before = len(flushed)
    assert sorted(flushed) == list(range(10 * SLICE))


def test_who_comes_after_a_large_room_does_not_wait_for_it() -> None:
    """In the same tick, or in any that follow while the room is still being written."""
    ticks, flushed = Ticks(), list[int]()
    flusher = Flusher(ticks.soon)
    for n in range(10 * SLICE):
        flusher.mark(Marked(n, flushed))
    flusher.mark(Marked(-1, flushed))
    ticks.turn()
    assert -1 in flushed
    flusher.mark(Marked(-2, flushed))
    ticks.turn()
    assert -2 in flushed


def test_who_is_left_over_is_not_left_for_ever() -> None:
    """However much is marked in every tick."""
    ticks, flushed = Ticks(), list[int]()
    flusher = Flusher(ticks.soon)
    for n in range(2 * SLICE):
        flusher.mark(Marked(n, flushed))
    for _ in range(SLICE // LEAST + 1):
        ticks.turn()
        for _ in range(SLICE):
            flusher.mark(Marked(-1, flushed))
    assert set(range(2 * SLICE)) <= set(flushed)


def test_a_socket_marked_by_a_flush_is_flushed_in_the_next_tick() -> None:
    """A flush may push: it makes a socket congested, or drained."""
    ticks, flushed = Ticks(), list[int]()
    flusher = Flusher(ticks.soon)

    class Marking(Marked):
        def flush(self) -> None:
            super().flush()
            flusher.mark(Marked(2, flushed))

    flusher.mark(Marking(1, flushed))
    while ticks.turn():
        pass
    assert flushed == [1, 2]
