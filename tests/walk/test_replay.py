"""A log is played over two hubs, one of which is killed: nothing lost, duplicated or out of order."""

import os
from pathlib import Path
from random import Random

import pytest

from loadtest.cast import cast
from loadtest.irc import parse
from loadtest.progress import Progress
from loadtest.replay import Options, replay
from loadtest.stack import Stack, muster_up

pytestmark = pytest.mark.asyncio(loop_scope="session")
LINES = 200
_DATA = Path(os.environ.get("MUSTER_TEST_DATA") or Path(__file__).parents[2] / "../shared/data")
LOG = _DATA / "irc" / "2007-09-07.train-a.txt"


def _made_up() -> str:
    """A log as busy as a real one, of the same forms."""
    random = Random(7)
    lines = []
    for number in range(LINES):
        nick = f"nick{random.randrange(25)}"
        minute = f"[10:{number * 20 // LINES:02}]"
        lines.append(
            random.choices(
                [
                    f"{minute} <{nick}> line {number}",
                    f"=== {nick} [n=x@example.org]  has joined #room",
                    f"=== {nick} [n=x@example.org]  has left #room []",
                    f"=== {nick} is now known as nick{random.randrange(25, 50)}",
                ],
                [70, 15, 8, 7],
            )[0]
        )
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_made_up(), id="made up"),
        pytest.param(
            "\n".join(LOG.read_text().splitlines()[:LINES]) if LOG.exists() else "",
            id="2007-09-07",
            marks=pytest.mark.skipif(not LOG.exists(), reason="the logs are not here"),
        ),
    ],
)
async def test_replay_keeps_every_promise(stack: Stack, text: str) -> None:
    """With a hub killed in the middle."""
    play = cast(parse(text))
    figures = await replay(play, stack.api_url, Options(120.0, 1, 0.5), Progress(), stack)
    assert figures.clean, figures
    assert figures.sent > LINES // 2
    assert figures.delivered > figures.sent


@pytest.mark.prove
@pytest.mark.timeout(900)
@pytest.mark.skipif(not LOG.exists(), reason="the logs are not here")
@pytest.mark.parametrize("killed", [None, 0.5], ids=["whole", "a hub killed"])
@pytest.mark.parametrize(
    "log", ["2007-09-07.train-a.txt", "2007-02-06.train-c.txt", "2006-06-05.train-a.txt"]
)
async def test_a_whole_log_at_sixty_times_its_speed(log: str, killed: float | None) -> None:
    """Every message reaches everybody present once, in order; tokens live as long as they do in earnest."""
    play = cast(parse((_DATA / "irc" / log).read_text()))
    async with muster_up(2) as stack:
        figures = await replay(play, stack.api_url, Options(60.0, 1, killed), Progress(), stack)
    assert figures.clean, figures
    assert figures.sent == figures.acked
