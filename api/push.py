"""Handlers about pushes: registering this device, what I want of pushes, and the notification extension.

Owns the bodies of these routes. Must never answer with a push token.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from msgspec import Meta, Struct

from api.route import Call
from muster.clock import Clock
from muster.extension import ExtensionGrant, Extensions, may_show
from muster.op import PushChange
from muster.push_device import Environment, Privacy, Provider, TargetKind
from muster.push_wishes import Level, Minute, PushWishes, WishesReader, change_wishes
from muster.registration import Disclosure, Registered, Registration, Registrations
from muster.sessions import Submitter
from muster.single import Single, Singles, no_message


class RegisterDevice(Struct, frozen=True):
    """All of this device's state, each time. `install` is what the session was begun with; `topic` the bundle id
    (APNs) or the Firebase project; `zone` an IANA time zone, `locale` a BCP 47 tag.
    """

    install: Annotated[str, Meta(min_length=1, max_length=64)]
    provider: Provider
    topic: Annotated[str, Meta(min_length=1, max_length=155)]
    token: Annotated[str, Meta(min_length=1, max_length=2_048)]
    locale: Annotated[str, Meta(min_length=1, max_length=35)]
    zone: Annotated[str, Meta(min_length=1, max_length=64)]
    environment: Environment = Environment.production
    target_kind: TargetKind = TargetKind.token
    app_version: Annotated[str, Meta(max_length=64)] = ""
    privacy: Disclosure = "full"
    shows_local: bool = False

    def __repr__(self) -> str:
        return f"RegisterDevice({self.provider})"


class ChangeWishes(Struct, frozen=True):
    """What is absent stays. Minutes of the day in each device's zone; equal: no quiet hours."""

    level: Level | None = None
    quiet_from_min: Minute | None = None
    quiet_to_min: Minute | None = None
    urgent_through: bool | None = None


class Pushing(NamedTuple):
    """What these handlers ask."""

    registrations: Registrations
    wishes: WishesReader
    extensions: Extensions
    singles: Singles


class PushHandlers:
    """The routes about pushes."""

    def __init__(self, pushing: Pushing, writer: Submitter, clock: Clock) -> None:
        self._registrations, self._wishes, self._extensions, self._singles = pushing
        self._writer = writer
        self._clock = clock

    async def register(self, call: Call) -> Registered:
        new = call.body(RegisterDevice)
        wanted = Registration(
            install=new.install,
            provider=new.provider,
            environment=new.environment,
            topic=new.topic,
            token=new.token,
            target_kind=new.target_kind,
            locale=new.locale,
            zone=new.zone,
            app_version=new.app_version,
            privacy=Privacy(new.privacy),
            shows_local=new.shows_local,
        )
        return await self._registrations.register(call.claims, wanted)

    async def mine(self, call: Call) -> Registered:
        return await self._registrations.mine(call.claims)

    async def remove(self, call: Call) -> None:
        await self._registrations.remove(call.claims)

    async def wishes(self, call: Call) -> PushWishes:
        return await self._wishes.wishes(call.me)

    async def change_wishes(self, call: Call) -> PushWishes:
        new = call.body(ChangeWishes)
        change = PushChange(new.level, new.quiet_from_min, new.quiet_to_min, new.urgent_through)
        await self._writer.submit(change_wishes(call.me, call.client_id, change))
        return await self.wishes(call)

    async def extension(self, call: Call) -> ExtensionGrant:
        return await self._extensions.grant(call.claims)

    async def message(self, call: Call) -> Single:
        room, seq = call.room, call.path("seq", int)
        item = await self._singles.item(room, call.me, seq)
        if call.claims.narrow and not may_show(item, call.claims, self._clock):
            raise no_message()
        return await self._singles.shown(room, call.me, item)
