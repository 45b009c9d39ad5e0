"""Locust on a real Muster, headless: everybody talks, storms pass, and whatever goes wrong is counted.

The runs go on side by side, each a few seconds long; each test looks at one of them.
"""

import asyncio
import csv
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
import pytest_asyncio

from loadtest.bench.people import Cast
from loadtest.load import LOCUSTFILE, told
from loadtest.people import Crowd, make
from loadtest.ports import reserved_ports
from loadtest.stack import Stack
from loadtest.swarm.roster import People
from tests.walk.lying_hub import lying_hub

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]
WITHIN_S = 90.0
TOKEN_LIFE_S = 600


class Run(NamedTuple):
    """One run of Locust: how it ended, its rows, and how often what failed."""

    code: int
    rows: Mapping[str, Mapping[str, float]]
    failures: Mapping[str, int]
    said: str


async def _locust(out: Path, host: str, *words: str, **options: Any) -> Run:
    given = {"-f": LOCUSTFILE, "--host": host, "--csv": out, **options}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "locust",
        "--headless",
        "--only-summary",
        *(str(word) for pair in given.items() for word in pair),
        *words,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    failures = csv.DictReader(Path(f"{out}_failures.csv").read_text().splitlines())
    counted = {f"{line['Name']}: {line['Error']}": int(line["Occurrences"]) for line in failures}
    return Run(process.returncode, told(out), counted, said.decode())


def _people(path: Path, tokens: list[str]) -> Path:
    People(tokens, int((time.time() + TOKEN_LIFE_S) * 1000)).write(path)
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def runs(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Run]:
    """All runs, by name."""
    below = tmp_path_factory.mktemp("locust")
    everybody = below / "people.json"
    await make(Crowd(12, 6, 3), stack.data, len(stack.hub_urls), 1.0, everybody)
    others = await Cast(stack.data, Random(), TOKEN_LIFE_S).make(3, [[0, 1, 2]], lambda _: None)
    guests = below / "guests.json"
    await make(Crowd(7, 4, 2), stack.data, len(stack.hub_urls), 1.0, guests)
    one_bad = _people(below / "bad.json", ["not a token", *others])
    nobody = _people(below / "nobody.json", ["a", "b", "c"])
    api, quick = stack.api_url, {"-r": 50, "--pace": 0.5}
    with reserved_ports(1) as port:
        async with lying_hub() as liar, asyncio.TaskGroup() as tasks:
            going = {
                "crowd": tasks.create_task(
                    _locust(
                        below / "crowd",
                        api,
                        "SteadyChat",
                        "ReconnectStorm",
                        "RestMix",
                        **quick,
                        **{"-u": 12, "-t": "7s", "--people": everybody, "--storm-every": 3},
                        **{"--processes": 2, "--master-bind-port": port, "--master-port": port},
                    )
                ),
                "registered": tasks.create_task(
                    _locust(
                        below / "registered",
                        api,
                        "SteadyChat",
                        **quick,
                        **{"-u": 3, "-t": "13s", "--register-per-s": 10, "--room-members": 3},
                    )
                ),
                "evening": tasks.create_task(
                    _locust(
                        below / "evening",
                        api,
                        "Evening",
                        **quick,
                        **{"-u": 7, "-t": "13s", "--people": guests, "--arrive-within": 2},
                    )
                ),
                "refused": tasks.create_task(
                    _locust(
                        below / "refused",
                        api,
                        "SteadyChat",
                        **quick,
                        **{"-u": 4, "-t": "4s", "--people": one_bad},
                    )
                ),
                "lost": tasks.create_task(
                    _locust(
                        below / "lost",
                        liar,
                        "SteadyChat",
                        **quick,
                        **{"-u": 3, "-t": "5s", "--people": nobody},
                    )
                ),
            }
    return {name: task.result() for name, task in going.items()}


async def test_a_crowd_talks_through_storms(runs: Mapping[str, Run]) -> None:
    """Sockets in two processes and REST beside them: all is acked and delivered, and everybody comes back."""
    run = runs["crowd"]
    assert (run.code, run.failures) == (0, {}), run.said
    assert run.said.count("posts left late by") == 2, "both processes ended in their own time"
    for row in ("connect", "resume", "post -> ack", "post -> delivery", "drop -> live again"):
        assert run.rows[f"WS {row}"]["count"] > 0, run.rows
    assert run.rows["WS post -> delivery"]["count"] > run.rows["WS post -> ack"]["count"]
    for row in ("history page", "my rooms", "post"):
        assert run.rows[f"REST {row}"]["count"] > 0, run.rows


async def test_people_register_and_renew_their_tokens(runs: Mapping[str, Run]) -> None:
    """With nothing but an address; their tokens are renewed in the open socket before they end."""
    run = runs["registered"]
    assert (run.code, run.failures) == (0, {}), run.said
    assert run.rows["REST /v1/people"]["count"] == 3
    assert run.rows["REST /v1/sessions/refresh"]["count"] >= 3
    assert run.rows["WS connect"]["count"] == 3, "nobody had to come back"
    assert run.rows["WS post -> delivery"]["count"] > 0


async def test_an_evening_is_counted_as_it_was(runs: Mapping[str, Run]) -> None:
    """Six come to the seventh's event by every way there is, talk in its room, and its number is who came."""
    run = runs["evening"]
    assert (run.code, run.failures) == (0, {}), run.said
    ways = ("REST /v1/events/[id]/check-in", "REST /v1/events/[id]/roster/[id]/check-in")
    by_rest = sum(run.rows[way]["count"] for way in ways)
    assert run.rows["WS fixes -> checked in"]["count"] + by_rest == 6
    assert run.rows["WS resume"]["count"] == 7 + 6, (
        "each follows the event's room once they are in it"
    )
    assert run.rows["REST /v1/events/[id]/here"]["count"] > 0


async def test_a_refused_login_is_a_failure(runs: Mapping[str, Run]) -> None:
    """One of four has no token of ours: the run fails, with the server's own sentence, and the others go on."""
    run = runs["refused"]
    assert run.code == 1, run.said
    assert len(run.failures) == 1, run.failures
    [failure] = run.failures
    assert failure.startswith("connect: ")
    assert "unauthorized" in failure
    assert run.rows["WS post -> delivery"]["count"] > 0


async def test_a_lost_message_is_a_failure(runs: Mapping[str, Run]) -> None:
    """A hub that acks what it does not deliver is found out by those who miss it."""
    run = runs["lost"]
    assert run.code == 1, run.said
    assert any("one or more before it are lost" in failure for failure in run.failures), (
        run.failures
    )
    assert run.rows["WS post -> ack"]["failed"] == 0
    assert run.rows["WS post -> delivery"]["failed"] > 0
