"""What APNs demands of a push's headers and payload.

Owns these rules, as pure functions. Apple does not say in which order it looks; where a request has two faults, ours
names the one of the headers first. Must never know a device.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from loadtest.mocks.request import Request

PAYLOAD_MOST: Final = 4_096
_VOIP_MOST: Final = 5_120
_COLLAPSE_MOST: Final = 64
_TOPIC_MOST: Final = 255
_EXPIRATION_DIGITS: Final = 12
_SUFFIXES: Final[Mapping[str, str]] = {
    "alert": "",
    "background": "",
    "mdm": "",
    "voip": ".voip",
    "complication": ".complication",
    "location": ".location-query",
    "fileprovider": ".pushkit.fileprovider",
    "pushtotalk": ".voip-ptt",
    "liveactivity": ".push-type.liveactivity",
    "controls": ".push-type.controls",
    "widgets": ".push-type.widgets",
}
"""Push types, and what the topic has after the bundle id."""

_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TOPIC: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]*")
_PRIORITIES: Final = frozenset({"1", "5", "10"})
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)


def header_fault(request: Request, topics: frozenset[str]) -> str:
    """'' or the reason for refusing."""
    headers = request.headers
    if any(name.startswith("apns-") for name in request.repeated):
        return "DuplicateHeaders"
    ident = headers.get("apns-id")
    if ident is not None and not _UUID.fullmatch(ident):
        return "BadMessageId"
    expiration = headers.get("apns-expiration", "0")
    if not _DIGITS.fullmatch(expiration) or len(expiration) > _EXPIRATION_DIGITS:
        return "BadExpirationDate"
    if len(headers.get("apns-collapse-id", "").encode("latin-1")) > _COLLAPSE_MOST:
        return "BadCollapseId"
    kind = headers.get("apns-push-type", "")
    if kind not in _SUFFIXES:
        return "InvalidPushType"
    priority = headers.get("apns-priority", "10")
    if priority not in _PRIORITIES or (kind == "background" and priority == "10"):
        return "BadPriority"
    return _topic_fault(headers.get("apns-topic"), kind, topics)


def _topic_fault(topic: str | None, kind: str, topics: frozenset[str]) -> str:
    if not topic:
        return "MissingTopic"
    if len(topic) > _TOPIC_MOST or not _TOPIC.fullmatch(topic):
        return "BadTopic"
    if not topic.endswith(_SUFFIXES[kind]):
        return "BadTopic"
    return "" if bundle(topic, kind) in topics else "TopicDisallowed"


def bundle(topic: str, kind: str) -> str:
    """The app's id, without what the push type adds."""
    return topic.removesuffix(_SUFFIXES.get(kind, ""))


def payload(request: Request) -> tuple[dict[str, Any], str]:
    """The payload and '', or the reason for refusing. What is no JSON object is as good as none."""
    kind = request.headers.get("apns-push-type")
    if request.size == 0:
        return {}, "PayloadEmpty"
    if request.size > (_VOIP_MOST if kind == "voip" else PAYLOAD_MOST):
        return {}, "PayloadTooLarge"
    try:
        return msgspec.json.decode(request.body, type=dict[str, Any]), ""
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}, "PayloadEmpty"
