"""All mocks together: two worlds of Apple, FCM, the token endpoint, and the page with the admin API.

Owns how they are put together, and their life. Must never be more than one process: what one
of them took, another asks.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from loadtest.mocks.access_tokens import AccessTokens
from loadtest.mocks.apns import Apns, Devices
from loadtest.mocks.authority import server_context
from loadtest.mocks.clock import MovableClock
from loadtest.mocks.diary import Diary
from loadtest.mocks.fault import Weather
from loadtest.mocks.fcm import Fcm
from loadtest.mocks.kit import HOST, Kit, pack
from loadtest.mocks.listener import Listener
from loadtest.mocks.oauth import OAuth
from loadtest.mocks.phones import Phones
from loadtest.mocks.registry import Registry
from loadtest.mocks.request import App
from loadtest.mocks.service import Service
from muster.clock import SystemClock

SERVICES: Final = ("apns", "apns-sandbox", "fcm", "oauth")
"""By these names the admin API and the diary know them; in the order of their ports."""


class Notebook(NamedTuple):
    """What all services share."""

    clock: MovableClock
    diary: Diary
    registry: Registry
    phones: Phones
    access: AccessTokens


class Mocks:
    """Running ones, from `running`."""

    def __init__(self, kit: Kit, notes: Notebook, listeners: dict[str, Listener]) -> None:
        self.kit = kit
        self.notes = notes
        self.listeners = listeners

    def service(self, name: str) -> Service:
        """Raises `KeyError`."""
        return self.listeners[name].service

    async def change(self, name: str, **weather: object) -> Weather:
        """Change so much of a service's weather; what it is then."""
        changed = replace(self.service(name).weather, **weather)
        await self.set_weather(name, changed)
        return changed

    async def set_weather(self, name: str, weather: Weather) -> None:
        listener = self.listeners[name]
        listener.service.change(weather)
        if weather.down:
            listener.down()
        else:
            await listener.up()

    async def reset(self) -> None:
        """As at the start: nothing scripted, nothing received, all up; connections stay."""
        self.notes.clock.ahead_s = 0.0
        self.notes.diary.clear()
        self.notes.registry.clear()
        self.notes.phones.clear()
        for name, listener in self.listeners.items():
            listener.service.script.clear()
            await self.set_weather(name, Weather())


@asynccontextmanager
async def running(directory: Path, port: int) -> AsyncIterator[Mocks]:
    """Mocks on the four ports after `port`, which is the page's. Raises `OSError` where one cannot be had."""
    kit, apple, google = await asyncio.to_thread(pack, directory, port)
    clock = MovableClock(SystemClock())
    notes = Notebook(clock, Diary(clock), Registry(clock), Phones(clock), AccessTokens(clock))
    devices = Devices(notes.registry, notes.phones, clock)
    apps: list[App] = [
        Apns("production", apple, devices),
        Apns("sandbox", apple, devices),
        Fcm(google.project, notes.access, devices),
        OAuth(google, notes.access, clock),
    ]
    strict = server_context(directory, ["h2"])
    lenient = server_context(directory, ["h2", "http/1.1"])
    listeners = {}
    rng = random.Random()
    for number, (name, app) in enumerate(zip(SERVICES, apps, strict=True), start=1):
        h1 = number > 2
        service = Service(name, app, notes.diary, rng)
        context = lenient if h1 else strict
        listeners[name] = Listener(service, HOST, port + number, context, h1=h1)
    try:
        for listener in listeners.values():
            await listener.up()
        yield Mocks(kit, notes, listeners)
    finally:
        for listener in listeners.values():
            listener.down(keep=False)
