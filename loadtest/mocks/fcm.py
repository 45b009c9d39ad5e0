"""FCM's verdict on a request.

Owns the order in which things are looked at: path, who asks, the message, the project's quota, then the device. Must
never count or fail on purpose (service.py does).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import partial
from math import ceil
from typing import Any, Final
from uuid import uuid4

import msgspec

from loadtest.mocks.access_tokens import Access, AccessTokens
from loadtest.mocks.apns import Devices
from loadtest.mocks.effect import fcm_effect
from loadtest.mocks.fault import Answer, Weather
from loadtest.mocks.fcm_errors import CODES, Violation, denied, refused, retry_after, unreadable
from loadtest.mocks.fcm_message import TARGETS, invalid, misread
from loadtest.mocks.request import Judgement, Parcel, Reply, Request, Session
from muster.bucket import Buckets, Rate

_PATH: Final = re.compile(r"/v1/projects/([^/:?]+)/messages:send")
_DEVICE: Final = Rate(4.0, 240.0)
"""240 a minute for one device."""

_HOURLY: Final = Rate(5_000 / 3_600, 5_000.0)
_MINUTE_S: Final = 60.0
_STATES: Final = {
    "unregistered": "UNREGISTERED",
    "expired": "UNREGISTERED",
    "mismatch": "SENDER_ID_MISMATCH",
    "third_party": "THIRD_PARTY_AUTH_ERROR",
}
_JSON: Final = (("content-type", "application/json; charset=UTF-8"),)


class Fcm:
    """One project; every request stands for itself."""

    trusted = True
    streams = 100

    def __init__(self, project: str, tokens: AccessTokens, devices: Devices) -> None:
        self._project = project
        self._tokens = tokens
        self._devices = devices
        self.heed(Weather())

    def session(self) -> Session:
        return self

    def heed(self, weather: Weather) -> None:
        """Also begins all counting anew."""
        self._minutely = Buckets(_DEVICE)
        self._hourly = Buckets(_HOURLY)
        self._quota = Buckets(Rate(weather.quota_per_min / _MINUTE_S, weather.quota_per_min))

    def scripted(self, answer: Answer) -> Reply:
        """`reason`: one of FCM's codes, or a status of what stands before it."""
        if answer.reason in CODES:
            quota = "device" if answer.token else "project"
            exceeded = answer.reason == "QUOTA_EXCEEDED"
            reply = refused(answer.reason, quota=quota if exceeded else "", status=answer.status)
        else:
            reply = denied(answer.reason, "scripted", http=answer.status)
        if answer.retry_after_s is None:
            return reply
        now_ms = self._devices.clock.now_ms()
        return retry_after(reply, answer.retry_after_s, now_ms, as_date=answer.as_date)

    def judge(self, request: Request) -> Judgement:
        gate = self._gate(request)
        if gate is not None:
            return Judgement(gate)
        try:
            body = msgspec.json.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Judgement(unreadable([Violation("", str(error))]))
        faults = misread(body)
        if faults:
            return Judgement(unreadable(faults))
        message: dict[str, Any] = body["message"]
        token = next((message[name] for name in TARGETS if message.get(name)), "")
        said, fields = invalid(message)
        if said:
            return Judgement(refused("INVALID_ARGUMENT", message=said, violations=fields), token)
        name = f"projects/{self._project}/messages/0:{uuid4().int % 10**18:018d}%{uuid4().hex[:16]}"
        refusal = self._limits(token) or self._known(token)
        reply = refusal or Reply(200, _JSON, msgspec.json.encode({"name": name}))
        if body.get("validate_only"):
            return Judgement(reply, token)
        return Judgement(reply, token, self._parcel(message, token, name))

    def _gate(self, request: Request) -> Reply | None:
        """Whoever may not even ask."""
        path = _PATH.fullmatch(request.path.partition("?")[0])
        if path is None:
            return denied("NOT_FOUND", "Method not found.")
        if request.method != "POST":
            return denied("NOT_FOUND", "Method not found.", http=405)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        worth = self._tokens.worth(token.strip()) if scheme.lower() == "bearer" else None
        if worth is not Access.valid:
            info = {
                None: "CREDENTIALS_MISSING",
                Access.expired: "ACCESS_TOKEN_EXPIRED",
                Access.unknown: "ACCESS_TOKEN_TYPE_UNSUPPORTED",
            }[worth]
            said = "Request had invalid authentication credentials."
            refusal = denied("UNAUTHENTICATED", said, info)
            asks = ("www-authenticate", 'Bearer realm="https://accounts.google.com/"')
            return refusal._replace(headers=(*refusal.headers, asks))
        if path[1] != self._project:
            said = "Permission 'cloudmessaging.messages.create' denied on resource."
            return denied("PERMISSION_DENIED", said, "IAM_PERMISSION_DENIED")
        if request.size > len(request.body):
            return refused("INVALID_ARGUMENT", message="Android message is too big")
        return None

    def _limits(self, token: str) -> Reply | None:
        clock = self._devices.clock
        now_s = clock.monotonic()
        wait_s, quota = self._quota.take(self._project, now_s), "project"
        if wait_s == 0.0:
            quota = "device"
            wait_s = max(
                self._minutely.take(token, now_s),
                self._hourly.take(token, now_s),
                self._devices.registry.wait_s(token),
            )
        if wait_s == 0.0:
            return None
        reply = refused("QUOTA_EXCEEDED", quota=quota)
        if quota == "device":
            return reply
        return retry_after(reply, ceil(wait_s), clock.now_ms(), as_date=False)

    def _known(self, token: str) -> Reply | None:
        code = _STATES.get(self._devices.registry.of(token).state)
        return refused(code) if code is not None else None

    def _parcel(self, message: Mapping[str, Any], token: str, name: str) -> Parcel:
        effect = fcm_effect(message, name, self._devices.clock.now_ms())
        android = message.get("android", {})
        marks = {
            mark: str(android[mark])
            for mark in ("priority", "ttl", "collapse_key")
            if mark in android
        }
        marks["target"] = next(kind for kind in TARGETS if message.get(kind))
        ring = partial(self._devices.phones.push, token, "fcm", effect)
        return Parcel(token, _ident(message), marks, ring)


def _ident(message: Mapping[str, Any]) -> str:
    """FCM knows no id of the sender's: what our app says the push is of, else the message itself."""
    data = message.get("data", {})
    if "event_id" in data:
        return f"{data.get('kind', '')}:{data['event_id']}"
    return hashlib.sha256(msgspec.json.encode(message, order="sorted")).hexdigest()[:32]
