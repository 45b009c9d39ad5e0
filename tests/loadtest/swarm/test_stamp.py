"""A message tells how old it is: exactly on one machine, by the wall clocks on two."""

import pytest

from loadtest.swarm.stamp import Clocks, age, stamped


def test_on_one_machine_the_monotonic_clock_tells() -> None:
    """Whatever the wall clock does meanwhile."""
    text = stamped("here", 100.0, Clocks(100.5, 5_000.5), 128)
    assert len(text) == 128
    old = age(text, "here", Clocks(103.25, 9.0))
    assert old is not None
    assert (old.seconds, old.far) == (3.25, False)


def test_across_machines_the_wall_clocks_tell() -> None:
    """The other machine's monotonic clock means nothing here."""
    text = stamped("there", 100.0, Clocks(100.5, 5_000.5), 128)
    old = age(text, "here", Clocks(7.0, 5_002.0))
    assert old is not None
    assert (old.seconds, old.far) == (2.0, True)


@pytest.mark.parametrize("text", [None, "", "hello", "~here", "~here 12", "~here x y z", "~a 1 y "])
def test_other_messages_have_no_age(text: str | None) -> None:
    """What people write is not mistaken for a stamp."""
    assert age(text, "here", Clocks(1.0, 1.0)) is None
