"""What `make load` tells Locust, and that it says so where the machine allows too few files."""

import argparse
import resource
from pathlib import Path
from random import Random

import pytest

from loadtest import load
from loadtest.load import Place, arguments, room_for_files
from loadtest.people import Crowd

_PLACE = Place("http://api", Path("people.json"))


def _args(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    load.add_arguments(parser)
    return parser.parse_args([*words, "--out", "build/x"] if "--out" not in words else words)


def _told(*words: str) -> dict[str, str]:
    args = _args(*words)
    args.json = False
    told = arguments(args, _PLACE, 7_000)
    return dict(zip(told, [*told[1:], ""], strict=True))


def test_a_rate_becomes_a_pace_for_each() -> None:
    """1,000 users who post 50 a second in all post every 20 s each."""
    told = _told("--users", "1000", "--rate", "50", "--shape", "spike", "--time", "3m")
    assert (told["--pace"], told["--users"], told["--run-time"]) == ("20.0", "1000", "3m")
    assert (told["--host"], told["--people"], told["--shape"]) == (
        "http://api",
        "people.json",
        "spike",
    )
    assert "--headless" in told
    assert "--processes" not in told


def test_processes_meet_on_this_machine_alone() -> None:
    """At a port that is theirs, bound to the loopback."""
    told = _told("--workers", "3")
    assert told["--processes"] == "3"
    assert told["--master-bind-host"] == "127.0.0.1"
    assert told["--master-bind-port"] == told["--master-port"] == "7000"


def test_the_page_is_for_this_machine_alone() -> None:
    """With it Locust waits for somebody to begin."""
    told = _told("--web", "--web-port", "9000")
    assert (told["--web-host"], told["--web-port"]) == ("127.0.0.1", "9000")
    assert "--headless" not in told


def test_scenarios_come_last_by_their_names() -> None:
    """Locust takes any number of them."""
    args = _args("--scenario", "RestMix", "ReconnectStorm")
    args.json = False
    assert arguments(args, _PLACE, 1)[-2:] == ["RestMix", "ReconnectStorm"]


def test_a_scenario_may_be_written_in_any_case() -> None:
    """As `make load SCENARIO=evening`; its people come within as long as is said."""
    args = _args("--scenario", "evening", "--within", "45")
    args.json = False
    told = arguments(args, _PLACE, 1)
    assert told[-1] == "Evening"
    assert told[told.index("--arrive-within") + 1] == "45.0"


def test_too_few_files_are_said_plainly() -> None:
    """How many are needed, how many there are, and what to do."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert room_for_files(_args("--users", "100")) is None
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard
    if hard == resource.RLIM_INFINITY:
        pytest.skip("this machine has no limit")
    complaint = room_for_files(_args("--users", str(2 * hard), "--workers", "2", "--hubs", "2"))
    assert complaint is not None
    assert f"{hard:,}" in complaint
    assert "WORKERS=" in complaint


@pytest.mark.parametrize(
    ("people", "members", "hubs"), [(1, 10, 2), (3, 10, 2), (25, 10, 3), (60, 7, 1)]
)
def test_any_crowd_has_rooms(people: int, members: int, hubs: int) -> None:
    """However few they are: rooms of different people, and everybody exists."""
    rooms = Crowd(people, members, 0).dealt(hubs, Random(1))
    assert rooms
    for room in rooms:
        assert len(set(room)) == len(room) <= members
        assert set(room) <= set(range(people))
