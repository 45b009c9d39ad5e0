"""APNs' verdict on a request.

Owns the order in which things are looked at: path, who asks, device token, headers, payload, then what is known of the
device. Must never count or fail on purpose (service.py does).
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

import msgspec

from loadtest.mocks.apns_headers import bundle, header_fault, payload
from loadtest.mocks.apns_reasons import STATUS
from loadtest.mocks.credentials import Apple, World
from loadtest.mocks.effect import apns_effect
from loadtest.mocks.fault import Answer, Weather
from loadtest.mocks.phones import Phones
from loadtest.mocks.provider_token import Provider, ProviderTokens
from loadtest.mocks.registry import Registry
from loadtest.mocks.request import Judgement, Parcel, Reply, Request, Session
from muster.clock import Clock

_PATH: Final = "/3/device/"
_TOKEN: Final = re.compile(r"[0-9A-Fa-f]{64}")
_MARKS: Final = (
    "apns-topic",
    "apns-push-type",
    "apns-priority",
    "apns-collapse-id",
    "apns-expiration",
)


class Devices(NamedTuple):
    """What is known of devices: what was scripted, and what they show."""

    registry: Registry
    phones: Phones
    clock: Clock


class Apns:
    """One of Apple's two worlds."""

    streams = 1_000

    def __init__(self, world: World, apple: Apple, devices: Devices) -> None:
        self.world: World = world
        self.topics = apple.topics
        self.devices = devices
        self._tokens = ProviderTokens(apple)

    def session(self) -> Session:
        return _Session(self, Provider(self._tokens, self.world, self.devices.clock))

    def scripted(self, answer: Answer) -> Reply:
        status = answer.status or STATUS.get(answer.reason, 500)
        since = answer.timestamp_ms
        if since is None and status == 410:
            since = self.devices.clock.now_ms()
        return refusal(answer.reason, uuid4(), since, status)

    def heed(self, weather: Weather) -> None:
        """Nothing of it is Apple's own."""


class _Session:
    def __init__(self, apns: Apns, provider: Provider) -> None:
        self._apns = apns
        self._provider = provider

    @property
    def trusted(self) -> bool:
        return self._provider.trusted

    def judge(self, request: Request) -> Judgement:
        token = request.path.removeprefix(_PATH) if request.path.startswith(_PATH) else ""
        ident = _ident(request.headers.get("apns-id"))
        reason = self._addressed(request, token)
        content: dict[str, Any] = {}
        if not reason:
            reason = header_fault(request, self._apns.topics)
        if not reason:
            content, reason = payload(request)
        if reason:
            return Judgement(refusal(reason, ident), token)
        parcel = self._parcel(request, token.lower(), ident, content)
        reason, since_ms = self._known(token.lower(), request)
        if reason:
            return Judgement(refusal(reason, ident, since_ms), token.lower(), parcel)
        return Judgement(self._accepted(ident), token.lower(), parcel)

    def _addressed(self, request: Request, token: str) -> str:
        if not request.path.startswith(_PATH):
            return "BadPath"
        if request.method != "POST":
            return "MethodNotAllowed"
        refused = self._provider.check(request.headers.get("authorization"))
        if refused:
            return refused
        if not token:
            return "MissingDeviceToken"
        return "" if _TOKEN.fullmatch(token) else "BadDeviceToken"

    def _known(self, token: str, request: Request) -> tuple[str, int | None]:
        """What is scripted of the device: a reason and since when, or nothing."""
        registry = self._apns.devices.registry
        standing = registry.of(token)
        if standing.world is not None and standing.world != self._apns.world:
            return "BadDeviceToken", None
        kind = request.headers["apns-push-type"]
        if standing.topic is not None and standing.topic != bundle(
            request.headers["apns-topic"], kind
        ):
            return "DeviceTokenNotForTopic", None
        if standing.state == "unregistered":
            return "Unregistered", standing.since_ms
        if standing.state == "expired":
            return "ExpiredToken", standing.since_ms
        return ("TooManyRequests", None) if registry.wait_s(token) > 0 else ("", None)

    def _parcel(self, request: Request, token: str, ident: UUID, content: dict[str, Any]) -> Parcel:
        marks = {name: request.headers[name] for name in _MARKS if name in request.headers}
        marks["world"] = self._apns.world
        effect = apns_effect(request.headers, content, ident)
        devices = self._apns.devices
        ring = partial(devices.phones.push, token, "apns", effect)
        return Parcel(token, str(ident), marks, ring)

    def _accepted(self, ident: UUID) -> Reply:
        headers = [("apns-id", str(ident))]
        if self._apns.world == "sandbox":
            headers.append(("apns-unique-id", str(uuid4())))
        return Reply(200, tuple(headers), b"")


def refusal(
    reason: str, ident: UUID, since_ms: int | None = None, status: int | None = None
) -> Reply:
    """`since_ms`: 410 has it."""
    said: dict[str, object] = {"reason": reason}
    if since_ms is not None:
        said["timestamp"] = since_ms
    return Reply(
        STATUS[reason] if status is None else status,
        (("apns-id", str(ident)), ("content-type", "application/json")),
        msgspec.json.encode(said),
        reason,
    )


def _ident(given: str | None) -> UUID:
    try:
        return UUID(given) if given else uuid4()
    except ValueError:
        return uuid4()
