"""What FCM demands of a message.

Owns its fields, limits and reserved keys, as pure functions. Must never know a device.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from loadtest.mocks.fcm_errors import Violation

MESSAGE_MOST: Final = 4_096
TOPIC_MOST: Final = 2_048
TTL_MOST_S: Final = 2_419_200
TARGETS: Final = ("token", "topic", "condition", "fid")

_TOKEN: Final = re.compile(r"[A-Za-z0-9_:\-]{20,4096}")
_FID: Final = re.compile(r"[cdef][A-Za-z0-9_\-]{21}")
_TOPIC: Final = re.compile(r"(/topics/)?[A-Za-z0-9\-_.~%]+")
_TTL: Final = re.compile(r"([0-9]{1,10})(\.[0-9]{1,9})?s", re.ASCII)
_RESERVED: Final = re.compile(r"from|message_type|(google|gcm).*", re.DOTALL)

# A field is text, a switch, a whole number, names to texts, a list of texts, anything, or has fields itself.
_TEXT, _SWITCH, _NUMBER, _TEXTS, _LIST, _ANY = "STRING", "BOOL", "INT32", "map", "list", "object"
_Fields = Mapping[str, "str | _Fields | tuple[str, ...]"]

_LABEL: Final[_Fields] = {"analytics_label": _TEXT}
_ANDROID_NOTIFICATION: Final[_Fields] = {
    **dict.fromkeys(
        (
            "title", "body", "icon", "color", "sound", "tag", "click_action", "body_loc_key", "title_loc_key",
            "channel_id", "ticker", "event_time", "image",
        ),
        _TEXT,
    ),
    **dict.fromkeys(("body_loc_args", "title_loc_args", "vibrate_timings"), _LIST),
    **dict.fromkeys(
        (
            "sticky", "local_only", "default_sound", "default_vibrate_timings", "default_light_settings",
            "bypass_proxy_notification",
        ),
        _SWITCH,
    ),
    "notification_count": _NUMBER,
    "notification_priority": (
        "PRIORITY_UNSPECIFIED", "PRIORITY_MIN", "PRIORITY_LOW", "PRIORITY_DEFAULT", "PRIORITY_HIGH", "PRIORITY_MAX",
    ),
    "visibility": ("VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"),
    "proxy": ("PROXY_UNSPECIFIED", "ALLOW", "DENY", "IF_PRIORITY_LOWERED"),
    "light_settings": _ANY,
}  # fmt: skip
_MESSAGE: Final[_Fields] = {
    **dict.fromkeys((*TARGETS, "name"), _TEXT),
    "data": _TEXTS,
    "notification": dict.fromkeys(("title", "body", "image"), _TEXT),
    "fcm_options": _LABEL,
    "android": {
        "collapse_key": _TEXT,
        "priority": ("NORMAL", "HIGH", "normal", "high"),
        "ttl": _TEXT,
        "restricted_package_name": _TEXT,
        "data": _TEXTS,
        "notification": _ANDROID_NOTIFICATION,
        "fcm_options": _LABEL,
        "direct_boot_ok": _SWITCH,
    },
    "apns": {
        "headers": _TEXTS,
        "payload": _ANY,
        "fcm_options": {**_LABEL, "image": _TEXT},
        "live_activity_token": _TEXT,
    },
    "webpush": {
        "headers": _TEXTS,
        "data": _TEXTS,
        "notification": _ANY,
        "fcm_options": {**_LABEL, "link": _TEXT},
    },
}
_BODY: Final[_Fields] = {"message": _MESSAGE, "validate_only": _SWITCH}


def misread(body: object) -> list[Violation]:
    """What of the request is no field, or not of its type."""
    if not isinstance(body, dict):
        return [Violation("", "Root element must be a message.")]
    found = list(_misread(body, _BODY, ""))
    if not found and "message" not in body:
        found.append(Violation("message", "Message is not set."))
    return found


def invalid(message: Mapping[str, Any]) -> tuple[str, list[Violation]]:
    """A sentence and the fields that it is about; '' where all is well."""
    targets = [name for name in TARGETS if message.get(name)]
    if not targets:
        return "Recipient of the message is not set.", []
    if len(targets) > 1:
        return "Exactly one of token, fid, topic or condition must be set.", []
    said = _target(targets[0], message[targets[0]])
    if said:
        return said, [Violation(f"message.{targets[0]}", said)]
    android: Mapping[str, Any] = message.get("android", {})
    for place, data in (
        ("message.data", message.get("data", {})),
        ("message.android.data", android.get("data", {})),
    ):
        for key in data:
            if _RESERVED.fullmatch(key):
                said = f"Invalid data payload key: {key}"
                return said, [Violation(place, said)]
    ttl = android.get("ttl", "0s")
    form = _TTL.fullmatch(ttl)
    if form is None or float(ttl[:-1]) > TTL_MOST_S:
        said = f"Invalid android.ttl: {ttl[:40]}"
        return said, [Violation("message.android.ttl", said)]
    return _too_big(message, android, TOPIC_MOST if targets == ["topic"] else MESSAGE_MOST)


def _too_big(
    message: Mapping[str, Any], android: Mapping[str, Any], most: int
) -> tuple[str, list[Violation]]:
    parts = [message.get("data"), message.get("notification")]
    parts += [android.get("data"), android.get("notification")]
    if sum(len(msgspec.json.encode(part)) for part in parts if part) > most:
        return "Android message is too big", []
    sent = message.get("apns", {}).get("payload")
    if sent is not None and len(msgspec.json.encode(sent)) > MESSAGE_MOST:
        return "APNs payload is too big", [Violation("message.apns.payload", "too big")]
    return "", []


def _target(kind: str, value: str) -> str:
    if kind == "token" and not _TOKEN.fullmatch(value):
        return "The registration token is not a valid FCM registration token"
    if kind == "fid" and not _FID.fullmatch(value):
        return "The Firebase installation ID is not valid"
    if kind == "topic" and not _TOPIC.fullmatch(value):
        return "Invalid topic name"
    return ""


def _misread(value: Mapping[str, Any], fields: _Fields, at: str) -> Iterator[Violation]:
    for name, given in value.items():
        place = f"{at}.{name}" if at else name
        kind = fields.get(name)
        if kind is None:
            where = f" at '{at}'" if at else ""
            yield Violation(at, f'Unknown name "{name}"{where}: Cannot find field.')
        elif isinstance(kind, Mapping):
            if isinstance(given, dict):
                yield from _misread(given, kind, place)
            else:
                yield Violation(place, f"Invalid value at '{place}', {_shown(given)}")
        else:
            yield from _mistyped(given, kind, place)


def _mistyped(given: object, kind: str | tuple[str, ...], place: str) -> Iterator[Violation]:
    match kind:
        case "map" if isinstance(given, dict):
            for number, one in enumerate(given.values()):
                if not isinstance(one, str):
                    at = f"{place}[{number}].value"
                    yield Violation(at, f"Invalid value at '{at}' (TYPE_STRING), {_shown(one)}")
            return
        case "list":
            fits = isinstance(given, list) and all(isinstance(one, str) for one in given)
        case "map" | "object":
            fits = kind == "object" and isinstance(given, dict)
        case "STRING":
            fits = isinstance(given, str)
        case "BOOL":
            fits = isinstance(given, bool)
        case "INT32":
            fits = isinstance(given, int) and not isinstance(given, bool)
        case _:
            fits = given in kind
    if not fits:
        yield Violation(place, f"Invalid value at '{place}' ({_named(kind)}), {_shown(given)}")


def _named(kind: str | tuple[str, ...]) -> str:
    return f"TYPE_{kind}" if isinstance(kind, str) else "TYPE_ENUM"


def _shown(given: object) -> str:
    return msgspec.json.encode(given).decode()[:100]
