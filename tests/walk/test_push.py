"""A stranger's view of pushes: `muster up`, a phone registered by REST, and what is on its screen by the mocks."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import NamedTuple
from uuid import UUID

import httpx
import msgspec
import pytest
import pytest_asyncio

from loadtest.cast import cast
from loadtest.client.login import Account, Login
from loadtest.client.rest import Rest
from loadtest.irc import parse
from loadtest.mocks.phones import OnScreen, Screen
from loadtest.progress import Progress
from loadtest.replay import Options, muster_with_phones, replay_pushes
from loadtest.stack import Stack
from tests.walk.test_replay import LOG

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(90)]

WITHIN_S = 20.0
LINES = 100


class Site(NamedTuple):
    """A whole Muster, and the page of its mock phones."""

    stack: Stack
    page: str


class Owner:
    """Somebody with a phone and no socket anywhere."""

    def __init__(self, login: Login, page: httpx.AsyncClient, token: str) -> None:
        self._login, self._page, self._token = login, page, token

    @property
    def rest(self) -> Rest:
        return self._login.rest

    @property
    def handle(self) -> str:
        return self._login.account.handle

    @property
    def id(self) -> UUID:
        return self._login.person

    async def says(self, room: UUID, text: str) -> int:
        return (await self.rest.post(room, secrets.token_hex(8), text)).seq

    async def screen(self) -> Screen | None:
        answer = await self._page.get(f"/screens/{self._token}")
        if answer.status_code == 404:
            return None
        return msgspec.json.decode(answer.content, type=Screen)

    async def shows(self, holds: Callable[[Screen], bool]) -> Screen:
        """The screen, once this holds."""
        screen: Screen | None = None
        try:
            async with asyncio.timeout(WITHIN_S):
                while screen is None or not holds(screen):
                    screen = await self.screen()
        except TimeoutError:
            raise AssertionError(f"the phone never showed it; it shows {screen}") from None
        return screen

    async def reads(self, words: str) -> OnScreen:
        """The notification that says this."""
        screen = await self.shows(lambda s: any(words in n.body for n in s.notifications))
        return next(one for one in screen.notifications if words in one.body)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def site() -> AsyncIterator[Site]:
    """One for all of this file."""
    async with muster_with_phones(1) as (stack, page):
        yield Site(stack, page)


@asynccontextmanager
async def owners(site: Site, *names: str, provider: str = "apns") -> AsyncIterator[list[Owner]]:
    """These people, logged in, away, with a phone each."""
    run = secrets.token_hex(4)
    async with (
        httpx.AsyncClient(base_url=site.stack.api_url, timeout=10.0) as http,
        httpx.AsyncClient(base_url=site.page, timeout=10.0) as page,
    ):
        made = []
        for name in names:
            account = Account(f"{name}_{run}", "a long enough password", name.title())
            login = Login(account, Rest(http, Random(1)))
            await login.register()
            await login.token()
            token = secrets.token_hex(32)
            await login.rest.change(
                "PUT",
                "/v1/me/push",
                {
                    "install": account.install,
                    "provider": provider,
                    "topic": "chat.muster.app" if provider == "apns" else "muster-mock",
                    "token": token,
                    "locale": "en",
                    "zone": "Europe/Berlin",
                },
            )
            made.append(Owner(login, page, token))
        yield made


async def _group(founder: Owner, title: str, *others: Owner) -> UUID:
    return (await founder.rest.create_room("group", title, [one.id for one in others])).id


@pytest.mark.parametrize("provider", ["apns", "fcm"])
async def test_a_message_to_somebody_who_is_away_is_on_their_screen(
    site: Site, provider: str
) -> None:
    """With its words, its room and the badge; and people see it on the page."""
    async with owners(site, "ada", "bob", provider=provider) as (ada, bob):
        room = await _group(ada, "Tea", bob)
        seq = await ada.says(room, f"the kettle is on, {provider}")
        shown = await bob.reads("the kettle is on")
        screen = await bob.shows(lambda s: s.badge == 1)
        assert (shown.room, shown.seq, shown.rang) == (str(room), seq, 1)
        assert "Tea" in shown.title
        assert screen.pushes == 1
        assert await ada.screen() is None
        async with httpx.AsyncClient(base_url=site.page) as page:
            assert f"the kettle is on, {provider}" in (await page.get("/")).text


async def test_reading_on_another_device_clears_nothing_else(site: Site) -> None:
    """Two rooms rang, one is read elsewhere: the other stays, and the badge of the next push is right."""
    async with owners(site, "ada", "bob") as (ada, bob):
        tea, cake = await _group(ada, "Tea", bob), await _group(ada, "Cake", bob)
        seq = await ada.says(tea, "tea?")
        await bob.reads("tea?")
        await ada.says(cake, "cake?")
        await bob.shows(lambda s: s.badge == 2)
        await bob.rest.change("PUT", f"/v1/rooms/{tea}/read", {"seq": seq})
        await ada.says(cake, "more cake?")
        about_cake = (str(cake), 2)
        screen = await bob.shows(
            lambda s: about_cake in [(one.room, one.rang) for one in s.notifications]
        )
        assert screen.badge == 2


async def test_what_was_deleted_before_it_was_due_does_not_ring(site: Site) -> None:
    """After a push the next of a room waits two seconds; what is deleted meanwhile is neither said nor counted."""
    async with owners(site, "ada", "bob") as (ada, bob):
        room = await _group(ada, "Tea", bob)
        await ada.says(room, "first")
        await bob.reads("first")
        slip = await ada.says(room, "oh no, my password")
        await ada.rest.change("DELETE", f"/v1/rooms/{room}/messages/{slip}")
        await ada.says(room, "nothing happened")
        await bob.reads("nothing happened")
        screen = await bob.shows(lambda s: s.badge == 2)
        assert screen.pushes == 2


async def test_a_muted_room_does_not_ring(site: Site) -> None:
    """Not even for a mention, which the badge counts; others ring, and other rooms."""
    async with owners(site, "ada", "bob", "cyd") as (ada, bob, cyd):
        room, other = await _group(ada, "Tea", bob, cyd), await _group(ada, "Cake", bob)
        await bob.rest.change("PUT", f"/v1/rooms/{room}/mute", {"until_ms": 4_000_000_000_000})
        await ada.says(room, f"@{bob.handle} is anybody there?")
        await cyd.reads("is anybody there?")
        await ada.says(other, "and here?")
        await bob.reads("and here?")
        screen = await bob.shows(lambda s: s.badge == 2)
        assert screen.pushes == 1


async def test_logging_out_ends_pushes(site: Site) -> None:
    """At once, and for this phone alone."""
    async with owners(site, "ada", "bob", "cyd") as (ada, bob, cyd):
        room = await _group(ada, "Tea", bob, cyd)
        await ada.says(room, "before")
        await asyncio.gather(bob.reads("before"), cyd.reads("before"))
        await bob.rest.log_out()
        await ada.says(room, "after")
        await cyd.reads("after")
        screen = await bob.shows(lambda s: s.badge == 1)
        assert screen.pushes == 1


async def test_a_pusher_that_was_killed_is_back_and_rings_what_came_meanwhile(site: Site) -> None:
    """Of one provider; the other's phones notice nothing."""
    async with (
        owners(site, "ada", "bob") as (ada, bob),
        owners(site, "cyd", provider="fcm") as (cyd,),
    ):
        room = await _group(ada, "Tea", bob, cyd)
        os.kill(site.stack.found.children["pusher apns"], signal.SIGKILL)
        await ada.says(room, "anybody?")
        await cyd.reads("anybody?")
        await bob.reads("anybody?")
        screen = await bob.shows(lambda s: s.badge == 1)
        assert screen.pushes == 1


def _made_up() -> str:
    """A log of the same forms as a real one, in which people speak to each other by name."""
    random = Random(3)
    lines = []
    for number in range(LINES):
        minute, nick = f"[10:{number * 10 // LINES:02}]", f"nick{random.randrange(21)}"
        whom = f"nick{random.randrange(21)}: " if random.random() < 0.6 else ""
        lines.append(f"{minute} <{nick}> {whom}line {number}")
    return "\n".join(lines)


async def test_a_replay_rings_exactly_what_the_rules_give(site: Site) -> None:
    """A third of the people are away; an independent computation knows what each phone must have got."""
    play = cast(parse(_made_up()))
    figures, pushes = await replay_pushes(
        play, site.stack, site.page, Options(960.0, 5), Progress()
    )
    assert figures.clean, figures
    assert pushes.clean, pushes
    assert pushes.expected_people > 3
    assert pushes.mentions > 3
    assert pushes.pushes > pushes.expected_people


@pytest.mark.prove
@pytest.mark.timeout(600)
@pytest.mark.skipif(not LOG.exists(), reason="the logs are not here")
async def test_a_real_log_with_a_third_away_and_a_hub_killed() -> None:
    """Eight hundred lines of a real channel."""
    play = cast(parse("\n".join(LOG.read_text().splitlines()[:800])))
    async with muster_with_phones(2) as (stack, page):
        figures, pushes = await replay_pushes(play, stack, page, Options(240.0, 1, 0.5), Progress())
    assert figures.clean, figures
    assert pushes.clean, pushes
    assert pushes.pushes > 100
