"""Pages from memory: what they show is what Postgres would have shown, whatever happened and by which door."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import pytest
from redis.asyncio import Redis

from tests.api.door import Door, Someone
from tests.api.opening import open_door

EMOJI = ("%F0%9F%91%8D", "x", "y")


class Doors(NamedTuple):
    """Two processes that keep pages, and one that keeps none: it says what is true, and posts as a hub does."""

    one: Door
    other: Door
    plain: Door


@asynccontextmanager
async def doors(database_url: str, redis_url: str, *, deaf: bool = False) -> AsyncIterator[Doors]:
    """Three processes on the same lanes; `deaf`: on lanes of their own, so that they hear nothing of each other."""
    name = f"test-{secrets.token_hex(4)}"
    one_s, other_s = (f"{name}-1", f"{name}-2") if deaf else (name, name)
    async with (
        open_door(database_url, redis_url, lane_prefix=one_s) as one,
        open_door(database_url, redis_url, lane_prefix=other_s) as other,
        open_door(database_url, redis_url, lane_prefix=name, page_cache_mib=0) as plain,
    ):
        yield Doors(one, other, plain)


def at(door: Door, someone: Someone) -> Someone:
    """The same person, asking there."""
    return Someone(door, someone.id, someone.handle, someone.token)


class Day:
    """People in two rooms, doing whatever people do, each time by whichever door."""

    def __init__(
        self, on: Doors, people: list[Someone], rooms: list[str], rng: random.Random
    ) -> None:
        self.on = on
        self.people = people
        self.rooms = rooms
        self.rng = rng
        self.posts: dict[str, list[int]] = {room: [] for room in rooms}
        self.polls: dict[str, list[int]] = {room: [] for room in rooms}

    async def step(self) -> str:
        """One change, acked or refused."""
        rng, room = self.rng, self.rng.choice(self.rooms)
        who = at(rng.choice(self.on), rng.choice(self.people))
        what = rng.choice(
            ["post"] * 12 + ["react"] * 9 + ["unreact"] * 5 + ["reply"] * 5
            + ["edit", "edit", "delete", "kick", "leave", "join", "join", "block", "unblock", "pin", "title",
               "poll", "vote", "meta"]
        )  # fmt: skip
        await getattr(self, f"_{what}")(who, room)
        return what

    def _message(self, room: str) -> str:
        posts = self.posts[room]
        # Mostly one that is on the newest page.
        seq = self.rng.choice(posts[-6:] if self.rng.random() < 0.8 else posts) if posts else 1
        return f"/v1/rooms/{room}/messages/{seq}"

    async def _said(self, who: Someone, room: str, **more: Any) -> None:
        body = {"client_id": f"{self.rng.getrandbits(64):x}", "text": f"words {who.handle}", **more}
        answer = await who.ask("POST", f"/v1/rooms/{room}/messages", json=body)
        if answer.is_success:
            self.posts[room].append(answer.json()["seq"])
            if "poll" in more:
                self.polls[room].append(answer.json()["seq"])

    async def _post(self, who: Someone, room: str) -> None:
        other = self.rng.choice(self.people)
        text = self.rng.choice(
            ["words", f"hello @{other.handle}", "a \u00fc\u2028 </x> \U0001f389"]
        )
        await self._said(who, room, text=text)

    async def _reply(self, who: Someone, room: str) -> None:
        if self.posts[room]:
            await self._said(who, room, reply_to=self.rng.choice(self.posts[room][-6:]))

    async def _meta(self, who: Someone, room: str) -> None:
        await self._said(who, room, meta={"n": 1.5e15, "none": None})

    async def _poll(self, who: Someone, room: str) -> None:
        await self._said(who, room, poll={"options": ["a", "b"]})

    async def _vote(self, who: Someone, room: str) -> None:
        if self.polls[room]:
            place = f"/v1/rooms/{room}/messages/{self.rng.choice(self.polls[room])}/vote"
            await who.ask("PUT", place, json={"choices": [self.rng.randrange(2)]})

    async def _edit(self, who: Someone, room: str) -> None:
        await who.ask("PATCH", self._message(room), json={"text": f"better {self.rng.random()}"})

    async def _delete(self, who: Someone, room: str) -> None:
        await who.ask("DELETE", self._message(room))

    async def _react(self, who: Someone, room: str) -> None:
        await who.ask("PUT", f"{self._message(room)}/reactions/{self.rng.choice(EMOJI)}")

    async def _unreact(self, who: Someone, room: str) -> None:
        await who.ask("DELETE", f"{self._message(room)}/reactions/{self.rng.choice(EMOJI)}")

    async def _kick(self, who: Someone, room: str) -> None:
        owner = at(who._door, self.people[0])
        place = f"/v1/rooms/{room}/members/{self.rng.choice(self.people[1:]).id}"
        await owner.ask("DELETE", place)
        await owner.ask("PUT", place)

    async def _leave(self, who: Someone, room: str) -> None:
        if who.id != self.people[0].id:
            await who.ask("POST", f"/v1/rooms/{room}/leave")

    async def _join(self, who: Someone, room: str) -> None:
        await who.ask("POST", f"/v1/rooms/{room}/join")

    async def _block(self, who: Someone, room: str) -> None:
        await who.ask("PUT", f"/v1/me/blocks/{self.rng.choice(self.people).id}")

    async def _unblock(self, who: Someone, room: str) -> None:
        await who.ask("DELETE", f"/v1/me/blocks/{self.rng.choice(self.people).id}")

    async def _pin(self, who: Someone, room: str) -> None:
        if self.posts[room]:
            await who.ask("PUT", f"/v1/rooms/{room}/pins/{self.posts[room][-1]}")

    async def _title(self, who: Someone, room: str) -> None:
        title = f"room {self.rng.random()}"
        await at(who._door, self.people[0]).done(
            "PATCH", f"/v1/rooms/{room}", json={"title": title}
        )

    async def check(self, asks: int) -> None:
        """Some pages of some people, through each door: the very same bytes."""
        for _ in range(asks):
            someone, room = self.rng.choice(self.people), self.rng.choice(self.rooms)
            seq = self.rng.choice([3, 10, *self.posts[room][-8:]])
            query = self.rng.choice(
                [{"limit": 5}] * 3 + [{"limit": 20}] * 3
                + [{"limit": 4, "before": seq}, {"limit": 4, "after": seq}, {"limit": 50, "after": seq}]
            )  # fmt: skip
            path = f"/v1/rooms/{room}/history"
            told = [await at(door, someone).ask("GET", path, params=query) for door in self.on]
            assert told[2].status_code in (200, 404)
            assert [answer.status_code for answer in told] == [told[2].status_code] * 3
            assert [_read(answer) for answer in told] == [_read(told[2])] * 3, (query, path)


def _read(answer: httpx.Response) -> tuple[bytes, str | None]:
    if answer.is_error:
        return b"", None
    return answer.content, answer.headers["etag"]


@pytest.mark.parametrize("deaf", [False, True], ids=["hearing", "deaf"])
async def test_pages_are_what_postgres_says_whatever_is_done_by_whichever_door(
    database_url: str, redis_url: str, deaf: bool
) -> None:
    """After each ack everybody's pages are byte for byte those of a process that keeps none.

    Midway Redis loses everything; for `deaf` processes the lanes never bring anything.
    """
    rng = random.Random(7)
    async with doors(database_url, redis_url, deaf=deaf) as on:
        people = [await on.one.someone() for _ in range(4)]
        rooms = [
            await people[0].room("public", *people[1:]),
            await people[0].room("group", *people[1:]),
        ]
        day = Day(on, people, rooms, rng)
        for step in range(60):
            if step == 30:
                async with Redis.from_url(redis_url) as redis:
                    await redis.flushall()
            await day.step()
            await day.check(2)
        if not deaf:
            hits = sum(door.counted("muster_page_hits_total") for door in on[:2])
            assert hits > 12, f"only {hits}"


async def _page(someone: Someone, room: str, **headers: str) -> httpx.Response:
    return await someone.ask("GET", f"/v1/rooms/{room}/history?limit=20", headers=headers)


async def test_authenticating_asks_nothing_and_a_kept_page_asks_one_small_question(
    door: Door,
) -> None:
    """Of Postgres: a page read asks once, for itself; a kept one once, however many ask at the same time."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    await ada.post(room, "words")

    async def uses(*asking: Awaitable[httpx.Response]) -> float:
        before = door.counted("muster_api_database_seconds_count")
        await asyncio.gather(*asking)
        return door.counted("muster_api_database_seconds_count") - before

    stranger = Someone(door, bob.id, "nobody", "no token")
    reading, kept, crowd, refused = [], [], [], []
    # The least of a few: the control log is looked at every second over the same connections.
    for n in range(3):
        path = f"/v1/rooms/{room}/history?limit={10 + n}"
        reading.append(await uses(ada.ask("GET", path)))
        kept.append(await uses(ada.ask("GET", path)))
        crowd.append(await uses(*[ada.ask("GET", path) for _ in range(20)]))
        refused.append(await uses(stranger.ask("GET", path)))
    assert (min(reading), min(kept), min(refused)) == (1, 1, 0)
    # The first question is under way when the others come; the second is all of theirs.
    assert min(crowd) <= 2
    assert door.counted("muster_page_misses_total") == 3


async def test_a_page_is_shared_by_all_who_see_the_same(door: Door) -> None:
    """What one has read the next has from memory, but for those who put emoji on it: they see that it was them."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    room = await ada.room("public", bob, eve)
    seq = await ada.post(room, "words")
    await eve.done("PUT", f"/v1/rooms/{room}/messages/{seq}/reactions/x")

    async def mine(one: Someone) -> bool:
        said: bool = (await _page(one, room)).json()["entries"][-1]["reactions"][0]["mine"]
        return said

    assert not await mine(ada)
    assert not await mine(bob)
    assert door.counted("muster_page_hits_total") == 1
    assert await mine(eve)
    assert await mine(eve)
    assert door.counted("muster_page_hits_total") == 2
    await bob.done("PUT", f"/v1/rooms/{room}/messages/{seq}/reactions/x")
    assert (await mine(bob), await mine(ada), await mine(eve)) == (True, False, True)


async def test_words_are_folded_into_a_kept_page(door: Door) -> None:
    """A post, an answer and an emoji leave the page in memory, as it reads now."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("public", bob)
    seq = await ada.post(room, "cake?")
    await _page(bob, room)
    await ada.post(room, "yes", reply_to=seq)
    await ada.done("PUT", f"/v1/rooms/{room}/messages/{seq}/reactions/x")
    entries = (await _page(bob, room)).json()["entries"][-2:]
    assert [(entry["body"]["text"], entry["replies"]) for entry in entries] == [
        ("cake?", 1),
        ("yes", 0),
    ]
    assert entries[0]["reactions"] == [{"emoji": "x", "count": 1, "mine": False}]
    assert door.counted("muster_page_hits_total") == 1


async def test_who_was_kicked_or_blocks_somebody_has_no_answer_from_before(
    database_url: str, redis_url: str
) -> None:
    """With the ack of a kick or block by one process, pages kept by another are not for them as they were."""
    async with doors(database_url, redis_url, deaf=True) as on:
        ada, bob, eve = [await on.one.someone() for _ in range(3)]
        room = await ada.room("group", bob, eve)
        await eve.post(room, "words")

        async def newest(one: Someone) -> str:
            kind: str = (await _page(at(on.other, one), room)).json()["entries"][-1]["kind"]
            return kind

        assert [await newest(bob), await newest(bob)] == ["post", "post"]
        await bob.done("PUT", f"/v1/me/blocks/{eve.id}")
        assert (await newest(bob), await newest(ada)) == ("join", "post")
        await ada.done("DELETE", f"/v1/rooms/{room}/members/{bob.id}")
        assert (await _page(at(on.other, bob), room)).status_code == 404


async def test_a_new_generation_begins_with_nothing_in_memory(door: Door) -> None:
    """After a restore the same seqs are other entries: nothing of before is an answer."""
    ada = await door.someone()
    room = await ada.room("group")
    for _ in range(2):
        await _page(ada, room)
    assert door.counted("muster_page_hits_total") == 1
    await door.database.execute(
        "INSERT INTO installation (lanes, generation, timeline, origin)"
        " VALUES (4, gen_random_uuid(), 1, origin_v1())"
        " ON CONFLICT (only_row) DO UPDATE SET generation = gen_random_uuid()"
    )
    await _page(ada, room)
    assert door.counted("muster_page_hits_total") == 1


async def test_a_validator_spares_the_body(door: Door) -> None:
    """If-None-Match with the tag of what it would get is answered 304 and nothing, until something changes."""
    ada = await door.someone()
    room = await ada.room("group")
    seq = await ada.post(room, "words " * 300)
    plain, packed = {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip"}
    first = await _page(ada, room, **plain)
    small = await _page(ada, room, **packed)
    assert first.content == small.content
    assert small.headers["content-encoding"] == "gzip"
    assert first.headers["etag"] != small.headers["etag"]
    for answer in (first, small):
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["etag"].startswith('"')
    for answer, coding in ((first, plain), (small, packed)):
        tag = answer.headers["etag"]
        for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            again = await _page(ada, room, **coding, **{"If-None-Match": condition})
            assert (again.status_code, again.content) == (304, b"")
            assert (again.headers["etag"], again.headers["vary"]) == (tag, "Accept-Encoding")
    assert (await _page(ada, room, **plain, **{"If-None-Match": '"x"'})).status_code == 200
    await ada.done("PUT", f"/v1/rooms/{room}/messages/{seq}/reactions/x")
    tag = first.headers["etag"]
    changed = await _page(ada, room, **plain, **{"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_what_phones_poll_has_a_validator(door: Door) -> None:
    """Lists and single things alike."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    await ada.post(room, "words")
    for path in (
        "/v1/me", "/v1/me/rooms", "/v1/me/contacts", "/v1/me/blocks", "/v1/me/privacy", "/v1/me/notices",
        "/v1/me/scheduled", "/v1/me/reminders", "/v1/public-rooms", f"/v1/people/{bob.id}", f"/v1/rooms/{room}",
        f"/v1/rooms/{room}/members", f"/v1/rooms/{room}/changes?after=1", f"/v1/rooms/{room}/pins",
        f"/v1/rooms/{room}/threads/{1}", f"/v1/rooms/{room}/draft", f"/v1/rooms/{room}/history",
    ):  # fmt: skip
        first = await ada.ask("GET", path)
        if first.status_code == 200:
            again = await ada.ask("GET", path, headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b""), path
