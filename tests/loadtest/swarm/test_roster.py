"""Nobody plays twice, everybody can play, and a file that is no use says so."""

from pathlib import Path

import pytest

from loadtest.swarm.roster import People, Roster, RosterError, read


@pytest.mark.parametrize("hubs", [1, 2, 3, 4])
@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("people", [6, 84, 101])
def test_each_person_is_dealt_to_one_process(people: int, workers: int, hubs: int) -> None:
    """All of them, to one each: as many to each process, as Locust deals its users, and of every hub."""
    tokens = [f"t{number}" for number in range(people)]
    rosters = [Roster(tokens, hubs, worker, workers) for worker in range(workers)]
    dealt = [[roster.borrow().number for _ in range(roster.size)] for roster in rosters]
    assert sorted(number for numbers in dealt for number in numbers) == list(range(people))
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    for numbers in dealt:
        of_hub = [sum(number % hubs == hub for number in numbers) for hub in range(hubs)]
        assert max(of_hub) - min(of_hub) <= 2


def test_who_stopped_may_play_again_and_nobody_else_twice() -> None:
    """A person is lent to one user at a time."""
    roster = Roster(["a"], 1, 0, 1)
    first = roster.borrow()
    with pytest.raises(RosterError, match="all 1 people"):
        roster.borrow()
    roster.give_back(first)
    assert roster.borrow() is first


def test_a_worker_nobody_counted_on_is_refused() -> None:
    """It would play people who play elsewhere."""
    with pytest.raises(RosterError, match="--expect-workers"):
        Roster(["a"], 1, 1, 1)


def test_the_file_comes_back_and_is_for_its_owner(tmp_path: Path) -> None:
    """Tokens are as good as passwords."""
    path = tmp_path / "below" / "people.json"
    People(["a", "b"], 1_000).write(path)
    assert path.stat().st_mode & 0o077 == 0
    assert read(path, 999).tokens == ["a", "b"]
    with pytest.raises(RosterError, match="have ended"):
        read(path, 1_000)


@pytest.mark.parametrize("text", ["", "[]", '{"tokens": [], "ends_at_ms": 9}', '{"tokens": ["a"]}'])
def test_a_file_of_nobody_is_refused(tmp_path: Path, text: str) -> None:
    """With its name."""
    (tmp_path / "people.json").write_text(text)
    with pytest.raises(RosterError, match=r"people\.json"):
        read(tmp_path / "people.json", 0)
    with pytest.raises(RosterError, match=r"none\.json"):
        read(tmp_path / "none.json", 0)
