"""The claims of `muster pushes`: how much waits, what was given up, and that it can be put again."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from muster.cli.__main__ import main
from muster.owed import Key
from muster.push_device import Provider
from muster.push_queue import Priority, PushQueue, Wish
from muster.stores.redis.push_queue import push_queue_at


@dataclass(frozen=True)
class Scene:
    """Three of APNs and one of FCM were given up."""

    url: str
    database_url: str
    apns: PushQueue
    fcm: PushQueue
    people: list[Key]

    async def __call__(self, *arguments: str) -> int:
        """`muster pushes` as somebody types it."""
        words = ["pushes", *arguments]
        return await asyncio.to_thread(
            main, words, {"MUSTER_REDIS_URL": self.url, "MUSTER_DATABASE_URL": self.database_url}
        )


@pytest_asyncio.fixture
async def scene(fresh_redis_url: str, database_url: str) -> AsyncIterator[Scene]:
    people = [Key(uuid4().bytes, uuid4().bytes) for _ in range(4)]
    apns, fcm = (
        push_queue_at(fresh_redis_url, False, provider, random.Random(1)) for provider in Provider
    )
    for queue, keys in ((apns, people[:3]), (fcm, people[3:])):
        await queue.put([Wish(key, Priority.urgent, 0) for key in keys])
        for job in await queue.take(10, 0):
            await queue.bury(job, f"BadTopic {people.index(job.key)}", 4)
    yield Scene(fresh_redis_url, database_url, apns, fcm, people)
    await apns.close()
    await fcm.close()


def names(shown: str) -> list[str]:
    """The ids that were listed."""
    return [line.split()[0] for line in shown.splitlines() if "BadTopic" in line]


async def test_how_much_waits_is_told_of_each_provider(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    await scene.fcm.put([Wish(key, Priority.silent, 0) for key in scene.people[:2]])
    assert await scene() == 0
    apns, fcm = capsys.readouterr().out.splitlines()
    assert apns.startswith("apns  waiting 0 urgent, 0 ordinary, 0 silent")
    assert apns.endswith("0 in work;  3 given up")
    assert fcm.startswith("fcm   waiting 0 urgent, 0 ordinary, 2 silent")
    assert fcm.endswith("1 given up")


async def test_what_was_given_up_is_listed_with_its_reason(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """As many as were asked for, and how many there are."""
    assert await scene("dead") == 0
    said = capsys.readouterr().out
    assert len(names(said)) == 4
    [line] = [line for line in said.splitlines() if line.endswith("BadTopic 3")]
    assert line.startswith("fcm:")
    assert str(UUID(bytes=scene.people[3].person)) in line
    assert await scene("dead", "--most", "2") == 0
    said = capsys.readouterr().out
    assert len(names(said)) == 3
    assert "apns: 3 given up, 2 listed" in said


async def test_some_are_put_again_by_their_ids(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once; who is not there is said."""
    await scene("dead")
    listed = names(capsys.readouterr().out)
    assert await scene("dead", "--replay", listed[0], listed[-1]) == 0
    assert "2 put again" in capsys.readouterr().out
    [job] = await scene.fcm.take(10, 0)
    assert job.key == scene.people[3]
    assert len(await scene.apns.take(10, 0)) == 1
    assert await scene("dead", "--replay", *listed[:2]) == 1
    shown = capsys.readouterr()
    assert "1 put again" in shown.out
    assert "1 of these are not there" in shown.err
    assert await scene("dead", "--replay", "telegram:1-1-0") == 2


async def test_all_are_put_again(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    assert await scene("dead", "--all") == 0
    assert "apns: 3 put again\nfcm: 1 put again\n" in capsys.readouterr().out
    assert {job.key for job in await scene.apns.take(10, 0)} == set(scene.people[:3])
    assert await scene.apns.dead(10) == []


@pytest.mark.parametrize(
    ("url", "code", "sentence"),
    [
        ("", 2, "no Redis: set MUSTER_REDIS_URL"),
        ("redis://127.0.0.1:1/0", 1, "no answer from Redis at redis://127.0.0.1:1/0"),
        ("http://127.0.0.1:1/0", 2, "no Redis can be at"),
    ],
)
def test_no_redis_is_a_sentence(
    url: str, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And no traceback."""
    environ = {"MUSTER_REDIS_URL": url, "MUSTER_DATA": "/nonexistent"}
    assert main(["pushes"], environ) == code
    assert sentence in capsys.readouterr().err
