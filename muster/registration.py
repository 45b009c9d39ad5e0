"""Registering the device of a session for pushes: the whole state at once, as often as the app likes.

Owns what a registration must be like, and who may make, see and end it. Must never let a token into a log or an
answer: whoever has one rings the phone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from muster.errors import Refused
from muster.ids import DeviceId, PersonId, SessionId, device_of
from muster.push_device import Environment, Privacy, Provider, TargetKind
from muster.tokens import Claims
from muster.words import line
from proto.codes import Code

Disclosure = Literal["full", "sender", "generic", "ids"]
"""The values of push_device.Privacy, as REST says them: it has another `Privacy`, of circles."""

DEVICES_MOST: Final = 20
"""Of one person; the one not seen for longest goes."""

VERSION_CHARS: Final = 64
_APNS_TOKEN: Final = re.compile(r"(?:[0-9a-f]{2}){32,100}")
_FCM_TOKEN: Final = re.compile(r"[A-Za-z0-9_:.\-]{20,2048}")
_FID: Final = re.compile(r"[A-Za-z0-9_\-]{22}")
_BUNDLE: Final = re.compile(r"[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*")
_PROJECT: Final = re.compile(r"(?:[a-z0-9.\-]+:)?[a-z][a-z0-9\-]{4,28}[a-z0-9]")
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_TOPIC_CHARS: Final = 155
_LOCALE_CHARS: Final = 35


class Registration(NamedTuple):
    """What an app says of its device. Its repr hides the token."""

    install: str
    provider: Provider
    environment: Environment
    topic: str
    token: str
    target_kind: TargetKind
    locale: str
    zone: str
    app_version: str
    privacy: Privacy
    shows_local: bool

    def __repr__(self) -> str:
        return f"Registration({self.provider})"


class Registered(Struct, frozen=True, gc=False):
    """What is registered, but for the token. `registered_at_ms`: when the app last said it."""

    provider: Provider
    environment: Environment
    topic: str
    target_kind: TargetKind
    locale: str
    zone: str
    app_version: str
    privacy: Disclosure
    shows_local: bool
    registered_at_ms: int


class DeviceStore(Protocol):
    """Where registrations are kept."""

    async def register(
        self, device: DeviceId, person: PersonId, session: SessionId, wanted: Registration
    ) -> int | None:
        """Put it in place of what was there, for this device and for this token; when, in Unix ms. None: the session
        is over.
        """
        ...

    async def registered(self, device: DeviceId, person: PersonId) -> Registered | None: ...

    async def remove(self, device: DeviceId, person: PersonId) -> None: ...

    async def stands(self, device: DeviceId, session: SessionId) -> bool:
        """Whether this session's device is registered, by it."""
        ...


class Registrations:
    """Registers devices. `is_zone` knows the time zones."""

    def __init__(self, store: DeviceStore, is_zone: Callable[[str], bool]) -> None:
        self._store = store
        self._is_zone = is_zone

    async def register(self, who: Claims, wanted: Registration) -> Registered:
        """Raises `Refused`: `bad_request`, `conflict` for another installation's, `unauthorized`."""
        checked = check(wanted, self._is_zone)
        if device_of(who.person, wanted.install) != who.device:
            raise Refused(Code.conflict, "this session was begun with another install id")
        at_ms = await self._store.register(who.device, who.person, who.session, checked)
        if at_ms is None:
            raise Refused(Code.unauthorized, "this session is over; log in")
        return Registered(
            provider=checked.provider,
            environment=checked.environment,
            topic=checked.topic,
            target_kind=checked.target_kind,
            locale=checked.locale,
            zone=checked.zone,
            app_version=checked.app_version,
            privacy=checked.privacy.value,
            shows_local=checked.shows_local,
            registered_at_ms=at_ms,
        )

    async def mine(self, who: Claims) -> Registered:
        """What is registered of the device that asks. Raises `Refused`: `not_found`."""
        found = await self._store.registered(who.device, who.person)
        if found is None:
            raise unregistered()
        return found

    async def remove(self, who: Claims) -> None:
        """No more pushes there; done already where there are none."""
        await self._store.remove(who.device, who.person)


def check(wanted: Registration, is_zone: Callable[[str], bool]) -> Registration:
    """`wanted` in the one form in which it is kept. Raises `Refused`: `bad_request`; it never quotes what it got."""
    if wanted.provider is Provider.apns:
        wanted = _apns(wanted)
    else:
        _check_fcm(wanted)
    locale = wanted.locale.replace("_", "-")
    if len(locale) > _LOCALE_CHARS or not _LOCALE.fullmatch(locale):
        raise _bad("a locale is a BCP 47 tag, as en or pt-BR")
    if not is_zone(wanted.zone):
        raise _bad("a zone is the name of an IANA time zone, as Europe/Berlin")
    version = line("a version", wanted.app_version, VERSION_CHARS)
    return wanted._replace(locale=locale, app_version=version)


def _apns(wanted: Registration) -> Registration:
    if wanted.target_kind is not TargetKind.token:
        raise _bad("APNs has tokens alone: target_kind is token")
    token = wanted.token.lower()
    if not _APNS_TOKEN.fullmatch(token):
        raise _bad("a token of APNs is 64 to 200 hexadecimal digits, an even number")
    if len(wanted.topic) > _TOPIC_CHARS or not _BUNDLE.fullmatch(wanted.topic):
        raise _bad("the topic of APNs is the app's bundle id")
    return wanted._replace(token=token)


def _check_fcm(wanted: Registration) -> None:
    if wanted.environment is not Environment.production:
        raise _bad("FCM knows production alone")
    if wanted.target_kind is TargetKind.fid and not _FID.fullmatch(wanted.token):
        raise _bad("a Firebase installation id has 22 characters of A-Z a-z 0-9 _ -")
    if not _FCM_TOKEN.fullmatch(wanted.token):
        raise _bad("a token of FCM has 20 to 2048 characters of A-Z a-z 0-9 _ - : .")
    if len(wanted.topic) > _TOPIC_CHARS or not _PROJECT.fullmatch(wanted.topic):
        raise _bad("the topic of FCM is the id of the Firebase project")


def is_zone(name: str) -> bool:
    """Whether this machine knows a time zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def hashed(install: str) -> str:
    """What is kept of an install id."""
    return hashlib.sha256(install.encode()).hexdigest()


def unregistered() -> Refused:
    """The device that asks has no registration, or no longer."""
    return Refused(Code.not_found, "this device is not registered for pushes")


def _bad(sentence: str) -> Refused:
    return Refused(Code.bad_request, sentence)
