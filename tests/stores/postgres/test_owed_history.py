"""Random histories on a real Postgres: what is owed, who may be owed it, and badges are what a plain account says."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from time import time
from uuid import UUID

import pytest
import pytest_asyncio

from muster import submit
from muster.ids import PersonId, RoomId
from muster.op import Op, PushChange
from muster.owed import Settled
from muster.push_device import Provider
from muster.push_wishes import change_wishes
from muster.stores.postgres.sync import PostgresMoments
from muster.sync import Wanted, sync
from proto import frames
from proto.entry import Body
from tests.stores.postgres.debtors import APNS, FCM, Ground, fresh, ground, key, register
from tests.stores.postgres.plain_debts import Account, Hall, Said
from tests.vocabulary import new_id, person, room_of

STEPS = 60
HOUR_MS = 3_600_000
NEWEST = 5


@pytest_asyncio.fixture
async def on(database_url: str) -> AsyncIterator[Ground]:
    async with ground(database_url) as opened:
        yield opened


class History:
    """A group, a public and a direct room; an owner who is always there, and three people who come and go."""

    def __init__(self, on: Ground, seed: int) -> None:
        self.on = on
        self.rng = random.Random(seed)
        self.account = Account()
        self.ahead_ms = 0
        self.names: dict[UUID, str] = {}
        self.rooms: dict[UUID, RoomId] = {}
        self._count = 0

    async def begin(self) -> None:
        on = self.on
        everybody = [await person(on.database) for _ in range(4)]
        self.owner, *self.people = everybody
        await on.database.execute("UPDATE people SET may_message = 'everyone'")
        self.names = {
            row["person_id"]: row["handle"] for row in await on.database.fetch("SELECT * FROM people")
        }  # fmt: skip
        group = await room_of(on.writer, self.owner, *self.people[:2], history="from_join")
        public = await room_of(on.writer, self.owner, *self.people, kind="public")
        direct = await room_of(on.writer, self.owner, self.people[0], kind="direct")
        for room, kind, members in (
            (group, "group", [self.owner, *self.people[:2]]),
            (public, "public", everybody),
            (direct, "direct", [self.owner, self.people[0]]),
        ):
            self.account.halls[room] = Hall(kind)
            for seq, each in enumerate(members, start=1):
                self.account.join(each, room, seq)
            await self.look(room)
        for each in self.people[:2]:
            self.account.register(each, APNS, await register(on.database, each))

    async def look(self, room: RoomId) -> None:
        self.account.halls[room].head = await self.on.head(room)

    async def step(self) -> None:
        acts: list[tuple[int, Callable[[], Awaitable[None]]]] = [
            (30, self.post), (6, self.edit), (8, self.delete), (10, self.read), (9, self.mute), (6, self.choose),
            (3, self.wish), (6, self.block), (8, self.come_or_go), (6, self.device), (8, self.settle), (8, self.wait),
        ]  # fmt: skip
        [act] = self.rng.choices([act for _, act in acts], [weight for weight, _ in acts])
        await act()

    def id(self) -> str:
        self._count += 1
        return f"c{self._count}"

    def pick(self) -> tuple[PersonId, RoomId]:
        """Somebody of the three in a room they are in."""
        inside = [
            (each, RoomId(room))
            for room, hall in self.account.halls.items()
            for each in self.people
            if each in hall.places and hall.places[each].inside
        ]
        return self.rng.choice(inside)

    async def do(self, op: Op) -> int:
        outcome = await self.on.writer.submit(op)
        if op.room in self.account.halls:
            await self.look(op.room)
        return outcome.seq

    async def post(self) -> None:
        author, room = (
            self.pick()
            if self.rng.random() < 0.5
            else (self.owner, self.rng.choice(list(self.account.halls)))
        )
        hall = self.account.halls[room]
        named = [each for each in self.people if self.rng.random() < 0.12]
        here = self.rng.random() < 0.06 and author == self.owner and hall.kind != "direct"
        text = " ".join(
            [f"words {self.id()}", *(f"@{self.names[each]}" for each in named), "@here" * here]
        )
        before = await self.candidates_of(RoomId(room), author, named, here=here)
        outcome = await self.on.writer.submit(
            submit.of_frame(author, frames.Post(1, room, self.id(), text))
        )
        await self.look(RoomId(room))
        meant = frozenset(
            each for each in named if each in hall.places and hall.places[each].inside
        )
        said = Said(outcome.seq, author, text, meant, here, outcome.at_ms + self.ahead_ms)
        hall.said[said.seq] = said
        assert before == {
            (each, provider)
            for each in hall.places
            if hall.places[each].inside and hall.places[each].read < said.seq
            and each != author and (each, author) not in self.account.blocks
            and self.account.rings(each, hall, [said], self.now_ms())
            for provider in self.account.providers(each)
        }  # fmt: skip

    async def candidates_of(
        self, room: RoomId, author: PersonId, named: list[PersonId], *, here: bool
    ) -> set[tuple[UUID, Provider]]:
        news = fresh(room, self.account.halls[room].head + 1, author, named=named, here=here)
        found = await self.on.store.candidates([news])
        assert len(found) == len({(each.key, each.provider) for each in found})
        return {(UUID(bytes=each.key.person), each.provider) for each in found}

    def now_ms(self) -> int:
        return round(time() * 1000) + self.ahead_ms

    def target(self) -> tuple[RoomId, Said] | None:
        room = self.rng.choice(list(self.account.halls))
        left = [said for said in self.account.halls[room].said.values() if not said.deleted]
        return (RoomId(room), self.rng.choice(left)) if left else None

    async def edit(self) -> None:
        found = self.target()
        if found is None:
            return
        room, said = found
        hall = self.account.halls[room]
        if not hall.places[said.author].inside or hall.places[said.author].joined > said.seq:
            return
        names = [each for each in self.people if self.rng.random() < 0.3 and hall.places.get(each)]
        said.text = " ".join([f"edited {self.id()}", *(f"@{self.names[each]}" for each in names)])
        said.names = frozenset(each for each in names if hall.places[each].inside)
        said.here = False
        await self.do(submit.of_frame(
            PersonId(said.author), frames.Edit(1, room, self.id(), said.seq, said.text)))  # fmt: skip

    async def delete(self) -> None:
        found = self.target()
        if found is None:
            return
        room, said = found
        if self.account.halls[room].kind == "direct" and said.author != self.owner:
            return
        said.deleted = True
        await self.do(submit.of_frame(self.owner, frames.Delete(1, room, self.id(), said.seq)))

    async def read(self) -> None:
        who, room = self.pick()
        hall = self.account.halls[room]
        place = hall.places[who]
        seq = self.rng.randint(place.read, hall.head)
        await self.do(submit.read(who, room, seq))
        place.read = max(place.read, seq)

    async def mute(self) -> None:
        who, room = self.pick()
        until_ms = self.rng.choice([0, self.now_ms() + HOUR_MS // 2, self.now_ms() + 3 * HOUR_MS])
        until = until_ms - self.ahead_ms if until_ms else None
        await self.do(submit.mute(who, self.id(), Body(room=room, muted_until_ms=until)))
        self.account.mute(who, room, until_ms)

    async def choose(self) -> None:
        who, room = self.pick()
        level = self.rng.choice(["default", "all", "mentions", "none"])
        place = self.account.halls[room].places[who]
        muted = place.muted_until_ms - self.ahead_ms if place.muted_until_ms else None
        await self.do(
            submit.mute(who, self.id(), Body(room=room, level=level, muted_until_ms=muted))
        )
        self.account.choose(who, room, None if level == "default" else level)

    async def wish(self) -> None:
        who, level = (
            self.rng.choice(self.people),
            self.rng.choice(["all", "all", "mentions", "none"]),
        )
        await self.do(change_wishes(who, self.id(), PushChange(level=level)))
        self.account.wish(who, level)

    async def block(self) -> None:
        who, other = self.rng.sample([self.owner, *self.people], 2)
        if (who, other) in self.account.blocks:
            await self.do(submit.unblock(who, other, self.id()))
            self.account.unblock(who, other)
        else:
            await self.do(submit.block(who, other, self.id()))
            self.account.blocks.add((who, other))

    async def come_or_go(self) -> None:
        who = self.rng.choice(self.people)
        room, hall = self.rng.choice(
            [(r, h) for r, h in self.account.halls.items() if h.kind != "direct"]
        )
        place = hall.places.get(who)
        if place is not None and place.inside:
            kick, leave = (
                submit.kick(self.owner, RoomId(room), who, self.id()),
                submit.leave(who, RoomId(room), self.id()),
            )
            await self.do(self.rng.choice([kick, leave]))
            place.inside = False
            place.begins.clear()
        elif (who, self.owner) not in self.account.blocks:
            await self.do(submit.invite(self.owner, RoomId(room), who, self.id()))
            self.account.join(who, room, await self.do(submit.join(who, RoomId(room), self.id())))

    async def device(self) -> None:
        who, provider = self.rng.choice(self.people), self.rng.choice([APNS, FCM])
        has = [
            device
            for carrier, device in self.account.devices.get(who, set())
            if carrier is provider
        ]
        if has and self.rng.random() < 0.5:
            gone = self.rng.choice(sorted(has))
            assert await self.on.store.drop_token(gone, f"token of {gone}", None)
            self.account.unregister(who, provider, gone)
        else:
            device = self.rng.choice([*sorted(has), new_id()])
            self.account.register(
                who, provider, await register(self.on.database, who, provider, device=device)
            )

    async def settle(self) -> None:
        who, room = self.pick()
        provider = self.rng.choice([APNS, FCM])
        seq = self.rng.randint(0, self.account.halls[room].head)
        await self.on.store.settle(provider, [Settled(key(who, room), seq)])
        self.account.settle(who, room, provider, seq)

    async def wait(self) -> None:
        """An hour passes: everything that stands in Postgres is an hour older, and no trigger sees it."""
        self.ahead_ms += HOUR_MS
        await self.on.database.execute(
            """
            SET session_replication_role = replica;
            UPDATE entries SET at = at - interval '1 hour';
            UPDATE members SET muted_until = muted_until - interval '1 hour';
            SET session_replication_role = origin;
            """
        )

    async def check(self) -> None:
        """Everything that can be asked."""
        account = self.account
        moments = PostgresMoments(self.on.pool)
        for provider in (APNS, FCM):
            asked = [(each, room) for room, hall in account.halls.items() for each in hall.places]
            found = await self.on.store.owed(provider, [key(*each) for each in asked])
            told = {each.key: each for each in found}
            assert set(told) == {
                key(who, room) for who, room in asked if account.halls[room].places[who].inside
            }
            rings = set()
            for who, room in asked:
                hall, owed = account.halls[room], told.get(key(who, room))
                if owed is None:
                    continue
                expected = account.owed(who, hall, provider, self.now_ms())
                about = [said for said in expected if said.about(who)]
                newest = {said.seq for said in (*expected[-NEWEST:], *about[-NEWEST:])}
                assert [(m.seq, m.text, m.author, m.mentions_me) for m in owed.messages] == [
                    (said.seq, said.text, said.author, said.about(who))
                    for said in expected
                    if said.seq in newest
                ]
                assert (owed.unread, owed.mentions) == (len(expected), len(about))
                assert owed.standing == len(account.unread(who, hall))
                assert owed.first_ms == (expected[0].at_ms - self.ahead_ms if expected else 0)
                assert (owed.read_seq, owed.through) == (hall.places[who].read, hall.head)
                assert (owed.level, owed.wishes.level) == (
                    hall.places[who].chosen,
                    account.levels.get(who, "all"),
                )
                devices = {
                    device
                    for carrier, device in account.devices.get(who, set())
                    if carrier is provider
                }
                assert {each.device for each in owed.devices} == devices
                assert owed.badge == account.badge(who, self.now_ms())
                if devices and account.rings(who, hall, expected, self.now_ms()):
                    rings.add(key(who, room))
            assert await self.on.all_unsettled(provider) == sorted(rings)
        for who in (self.owner, *self.people):
            async with moments.of(who) as moment:
                page = await sync(moment, who, Wanted(None, None, None, None, 100))
            assert page is not None
            now_ms = page.server_time_ms
            badge = sum(
                line.mentions if (line.muted_until_ms or 0) > now_ms else line.unread for line in page.rooms
            )  # fmt: skip
            assert badge == account.badge(who, self.now_ms())


@pytest.mark.parametrize("seed", range(3))
async def test_a_history_owes_what_a_plain_account_says(on: Ground, seed: int) -> None:
    """Posts, edits, deletions, reads, mutes, levels, blocks, kicks, joins, devices, settling and time, in any order."""
    history = History(on, seed)
    await history.begin()
    for n in range(STEPS):
        await history.step()
        if n % 4 == 0:
            await history.check()
    await history.check()
