"""A scripted day: what two people do on two devices each, one of them offline for part of it.

After every step each device that is online holds, from one sync and the entries after it, what a device that
begins now would read.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any
from uuid import UUID

import httpx
import pytest

from loadtest.client.app import App
from loadtest.client.connection import Refusal
from loadtest.client.hubs import Hubs
from loadtest.client.inbox import Inbox, shown_of
from loadtest.client.login import Account, Login
from loadtest.client.phone import Phone
from loadtest.client.rest import Rest, RestError
from loadtest.stack import Stack
from proto.frames import Delete, Edit, Entry, Post, React

pytestmark = pytest.mark.asyncio(loop_scope="session")

AGREE_WITHIN_S = 15.0
LOOK_WITHIN_S = 0.3
STEPS = 45


class Device(App):
    """One installation: its phone while it is online, and what it shows."""

    def __init__(self, stack: Stack, http: httpx.AsyncClient, account: Account, place: int) -> None:
        self.login = Login(account, Rest(http, Random(place)))
        self.name = f"{account.handle}'s {account.install}"
        self.phone: Phone | None = None
        self._stack = stack
        self._place = place
        self._inbox: Inbox | None = None
        self.told = asyncio.Event()
        self._news = asyncio.Event()
        self._over: Phone | None = None
        self._gone = asyncio.Event()
        self._here = asyncio.Event()

    @property
    def rest(self) -> Rest:
        return self.login.rest

    @property
    def me(self) -> UUID:
        return self.login.person

    @property
    def inbox(self) -> Inbox:
        if self._inbox is None:
            self._inbox = Inbox(self.me)
        return self._inbox

    def entry(self, entry: Entry) -> None:
        """The phone gives it on."""
        self.inbox.entry(entry)
        self.told.set()
        self._news.set()

    async def live(self, *, syncs: bool) -> None:
        """Online until `end`. `syncs`: as after a background fetch; else by resuming from what it holds."""
        await self.login.token()
        phone = Phone(self.login, Hubs(self._stack.hub_urls, self._place), self, Random(1))
        if self._over is not None:
            phone.rooms = self._over.rooms
        if syncs or self.inbox.position is None:
            await self._sync(phone)
        self.phone = phone
        self._here.set()
        async with asyncio.TaskGroup() as group:
            following = group.create_task(self._follow())
            await phone.run()
            following.cancel()
        self._over, self.phone = phone, None
        self._here.clear()
        self._gone.set()

    async def begin(self, group: asyncio.TaskGroup, *, syncs: bool) -> None:
        """Return once it is online."""
        self._gone.clear()
        group.create_task(self.live(syncs=syncs))
        await self._here.wait()
        assert self.phone is not None
        await self.phone.online.wait()

    async def end(self) -> None:
        """Return once it is offline."""
        assert self.phone is not None
        await self.phone.close()
        await self._gone.wait()

    async def until_news(self, at_most_s: float) -> None:
        """Return when anything has come, or nothing does."""
        self.told.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self.told.wait()

    async def _follow(self) -> None:
        """Ask for what entries do not say."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self.inbox.stale:
                await self._sync(None)

    async def _sync(self, phone: Phone | None) -> None:
        inbox, held = self.inbox, self.inbox.position
        answer = await (
            self.rest.sync()
            if held is None
            else self.rest.sync(inbox.since, held.generation, held.server_time_ms)
        )
        missing = inbox.synced(answer)
        if phone is not None:
            phone.rooms.generation = answer.generation
            phone.rooms.positions.begin(self.me, inbox.seq)
            for line in answer.rooms:
                if line.role != "invited":
                    phone.rooms.positions.begin(line.id, line.head)
        for room, after in missing:
            await self._fetch(room, after)
        self.told.set()

    async def _fetch(self, room: UUID, after: int) -> None:
        more = True
        while more:
            try:
                page = await self.rest.history(room, after=after)
            except RestError:
                return  # gone meanwhile: the self log says so
            deleted = {item.seq for item in page.entries if item.deleted_seq is not None}
            self.inbox.fetched(room, [item.entry(room) for item in page.entries], deleted)
            after, more = page.to_seq, page.more


class Day:
    """Two people, two devices each, and what may happen next."""

    def __init__(self, devices: list[list[Device]], chance: Random, seed: int) -> None:
        self.devices = devices
        self.chance = chance
        self.seed = seed
        self.rooms: list[UUID] = []
        self.said: list[tuple[int, UUID, int]] = []
        self.done: list[str] = []

    async def agree(self) -> None:
        """Every device that is online shows what a fresh start of its person shows."""
        for pair in self.devices:
            for device in pair:
                if device.phone is not None:
                    await self._agrees(device)

    async def _agrees(self, device: Device) -> None:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + AGREE_WITHIN_S
        while True:
            fresh = shown_of(device.me, await device.rest.sync())
            look_until = loop.time() + LOOK_WITHIN_S
            while (shown := device.inbox.shown()) != fresh and loop.time() < look_until:
                await device.until_news(look_until - loop.time())
            if shown == fresh:
                return
            if loop.time() > give_up_at:
                differing = {
                    key: (shown[key], fresh[key]) for key in fresh if shown[key] != fresh[key]
                }
                pytest.fail(f"seed {self.seed}, {device.name} after {self.done[-3:]}: {differing}")

    async def step(self) -> None:
        """One thing that somebody does, on one of their devices; what is refused changes nothing."""
        who = self.chance.randrange(2)
        online = [device for device in self.devices[who] if device.phone is not None]
        device = self.chance.choice(online)
        acts: dict[Callable[[int, Device, UUID], Awaitable[Any]], int] = {
            self._post: 10, self._edit: 3, self._delete: 2, self._react: 1, self._read: 5, self._mute: 2,
            self._draft: 5, self._contact: 4, self._come_or_go: 3, self._kick: 2, self._block: 1,
            self._rename: 1, self._see_notices: 1, self._make: 1,
        }  # fmt: skip
        act = self.chance.choices(list(acts), list(acts.values()))[0]
        room = self.chance.choice(self.rooms)
        self.done.append(f"{device.name} {act.__name__}")
        with suppress(RestError, Refusal):
            await act(who, device, room)

    async def _post(self, who: int, device: Device, room: UUID) -> None:
        assert device.phone is not None
        other = self.devices[1 - who][0].login.account.handle
        text = self.chance.choice(("hello", f"hello @{other}", "all @here", "x" * 200))
        ack = await device.phone.submit(Post(0, room, secrets.token_hex(8), text))
        self.said.append((who, room, ack.seq))

    def _mine(self, who: int) -> tuple[UUID, int]:
        mine = [(room, seq) for by, room, seq in self.said[-12:] if by == who]
        return self.chance.choice(mine) if mine else (self.rooms[0], 1)

    async def _edit(self, who: int, device: Device, _room: UUID) -> None:
        assert device.phone is not None
        room, seq = self._mine(who)
        other = self.devices[1 - who][0].login.account.handle
        text = self.chance.choice(("better", f"better, @{other}"))
        await device.phone.submit(Edit(0, room, secrets.token_hex(8), seq, text))

    async def _delete(self, who: int, device: Device, _room: UUID) -> None:
        assert device.phone is not None
        await device.phone.submit(Delete(0, *self._target(who)))

    async def _react(self, who: int, device: Device, _room: UUID) -> None:
        assert device.phone is not None
        await device.phone.submit(React(0, *self._target(1 - who), "👍"))

    def _target(self, who: int) -> tuple[UUID, str, int]:
        room, seq = self._mine(who)
        return room, secrets.token_hex(8), seq

    async def _read(self, _who: int, device: Device, room: UUID) -> None:
        assert device.phone is not None
        line = device.inbox.rooms.get(room)
        seq = 1 if line is None else self.chance.randint(line.read, max(line.read, line.head))
        if self.chance.random() < 0.2:
            await device.phone.read(room, seq)
        else:
            await device.rest.change("PUT", f"/v1/rooms/{room}/read", {"seq": seq})

    async def _mute(self, _who: int, device: Device, room: UUID) -> None:
        until = self.chance.choice((None, 1_900_000_000_000))
        body = {"until_ms": until, "level": self.chance.choice(("all", "mentions", None))}
        await device.rest.change("PUT", f"/v1/rooms/{room}/mute", body)

    async def _draft(self, _who: int, device: Device, room: UUID) -> None:
        path = f"/v1/rooms/{room}/draft"
        if self.chance.random() < 0.3:
            await device.rest.change("DELETE", path)
        else:
            body = {"text": self.chance.choice(("so", "so what")), "reply_to": 1}
            await device.rest.change("PUT", path, body)

    async def _contact(self, who: int, device: Device, _room: UUID) -> None:
        method = self.chance.choice(("PUT", "PUT", "DELETE"))
        other = self.devices[1 - who][0].me
        await device.rest.change(method, f"/v1/me/contacts/{other}")

    async def _come_or_go(self, who: int, device: Device, room: UUID) -> None:
        what = self.chance.choice(("join", "join", "leave", "invite"))
        if what == "invite":
            other = self.devices[1 - who][0].me
            await device.rest.change("PUT", f"/v1/rooms/{room}/members/{other}")
        else:
            await device.rest.change("POST", f"/v1/rooms/{room}/{what}")

    async def _kick(self, who: int, device: Device, room: UUID) -> None:
        other = self.devices[1 - who][0].me
        await device.rest.change("DELETE", f"/v1/rooms/{room}/members/{other}")

    async def _block(self, who: int, device: Device, _room: UUID) -> None:
        other = self.devices[1 - who][0].me
        method = self.chance.choice(("PUT", "DELETE", "DELETE"))
        await device.rest.change(method, f"/v1/me/blocks/{other}")

    async def _rename(self, _who: int, device: Device, _room: UUID) -> None:
        await device.rest.rename(self.chance.choice(("Ada", "Bob", "somebody")))

    async def _see_notices(self, _who: int, device: Device, _room: UUID) -> None:
        await device.rest.change("PUT", "/v1/me/notices/read", {"seq": device.inbox.seq})

    async def _make(self, who: int, device: Device, _room: UUID) -> None:
        if self.chance.random() < 0.5:
            room = await device.rest.direct_room(self.devices[1 - who][0].me)
        else:
            room = await device.rest.create_room("group", "a", [self.devices[1 - who][0].me])
        if room.id not in self.rooms:
            self.rooms.append(room.id)


async def _play(stack: Stack, seed: int, steps: int) -> None:
    chance, run = Random(seed), secrets.token_hex(4)
    print(f"seed {seed}")  # what a failure needs to be played again
    async with httpx.AsyncClient(base_url=stack.api_url, timeout=10.0) as http:
        devices = [
            [
                Device(
                    stack,
                    http,
                    Account(f"{name}_{run}", "a long enough password", install=kind),
                    place,
                )
                for place, kind in enumerate(("phone", "tablet"))
            ]
            for name in ("ada", "bob")
        ]
        for pair in devices:
            await pair[0].login.register()
            for device in pair:
                await device.login.token()
        day = Day(devices, chance, seed)
        async with asyncio.TaskGroup() as group:
            for pair in devices:
                for device in pair:
                    await device.begin(group, syncs=True)
            bob = devices[1][0].me
            for kind in ("public", "group"):
                made = await devices[0][0].rest.create_room(kind, kind, [bob])
                day.rooms.append(made.id)
            away = devices[chance.randrange(2)][1]
            leaves, returns = sorted(chance.sample(range(3, steps - 3), 2))
            for number in range(steps):
                if number == leaves:
                    await away.end()
                elif number == returns:
                    await away.begin(group, syncs=chance.random() < 0.5)
                await day.step()
                await day.agree()
            for pair in devices:
                for device in pair:
                    await device.end()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_all_devices_agree_at_every_step(stack: Stack, seed: int) -> None:
    """Snapshot and self log are a fresh snapshot, all day long."""
    await _play(stack, seed, STEPS)


@pytest.mark.prove
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(100, 112))
async def test_all_devices_agree_on_long_days(stack: Stack, seed: int) -> None:
    """The same, longer and more often."""
    await _play(stack, seed, 4 * STEPS)
