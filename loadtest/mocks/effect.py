"""What a push does on a phone, read as iOS, Android and our app read it.

    iOS, Android   aps.alert, aps.badge and android.notification are the system's to show; a collapse id or tag replaces
    our app        `kind`, `room_id`, `seq`, `badge` and `tag`, at the top of Apple's payload and in Firebase's data: of
                   kind `read` it takes away what is shown of the room up to seq; data of another kind without a
                   notification it shows by itself, with `title` and `body`, or what it fetches

Owns this reading, as pure functions. Must never refuse anything (apns.py and fcm.py have).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

_CHARS: Final = 500
_STORED_S: Final = 28 * 86_400
"""How long Firebase keeps a message for a phone that is away, unless it is told otherwise."""


class Shown(NamedTuple):
    """A notification. Another of the same `key` takes its place. `room`, `seq`: what our app says it is about."""

    key: str
    title: str
    body: str
    thread: str
    room: str = ""
    seq: int = 0


class Read(NamedTuple):
    """Read elsewhere: of this room or tag, up to `seq`."""

    room: str
    tag: str
    seq: int


class Effect(NamedTuple):
    """`store_until_ms`: when a phone that is away need not have it any more; 0: at once. `slot`: of pushes that have
    the same, only the last is kept for a phone that is away.
    """

    shown: Shown | None
    badge: int | None
    read: Read | None
    store_until_ms: int
    slot: str


def apns_effect(headers: Mapping[str, str], payload: Mapping[str, Any], ident: UUID) -> Effect:
    """APNs keeps one push per app for a phone that is away: the newest."""
    aps = _table(payload.get("aps"))
    shown = None
    if "alert" in aps:
        alert = aps["alert"] if isinstance(aps["alert"], dict) else {"body": aps["alert"]}
        titles = (
            _said(alert, "title", "title-loc-key", "title-loc-args"),
            _said(alert, "subtitle", "subtitle-loc-key", "subtitle-loc-args"),
        )
        shown = Shown(
            headers.get("apns-collapse-id") or str(ident),
            " · ".join(filter(None, titles)),
            _said(alert, "body", "loc-key", "loc-args"),
            _text(aps.get("thread-id")),
            *_about(payload),
        )
    return Effect(
        shown,
        _count(aps.get("badge", payload.get("badge"))),
        _read(payload),
        int(headers.get("apns-expiration", "0")) * 1_000,
        headers.get("apns-topic", ""),
    )


def fcm_effect(message: Mapping[str, Any], name: str, now_ms: int) -> Effect:
    """FCM keeps all, but for those with a collapse key: of each of these the newest."""
    android = _table(message.get("android"))
    data = {**_table(message.get("data")), **_table(android.get("data"))}
    words = {**_table(message.get("notification")), **_table(android.get("notification"))}
    read = _read(data)
    # Without a notification it is for the app, which shows it unless it only says what was read.
    own = not words and read is None
    if own:
        words = {"body": "(the app fetches what it shows)"} if data.get("fetch") else data
    title = _said(words, "title", "title_loc_key", "title_loc_args")
    body = _said(words, "body", "body_loc_key", "body_loc_args")
    key = _text(words.get("tag")) or (_text(data.get("tag")) if own else "") or name
    thread = _text(data.get("thread")) or _text(data.get("tag"))
    shown = Shown(key, title, body, thread, *_about(data)) if title or body else None
    ttl = _text(android.get("ttl")).removesuffix("s")
    kept_ms = int(float(ttl or _STORED_S) * 1_000)
    until_ms = now_ms + kept_ms if kept_ms else 0
    badge = _count(data.get("badge", words.get("notification_count")))
    return Effect(shown, badge, read, until_ms, _text(android.get("collapse_key")))


def _read(said: Mapping[str, Any]) -> Read | None:
    if said.get("kind") != "read":
        return None
    return Read(_text(said.get("room_id")), _text(said.get("tag")), _count(said.get("seq")) or 0)


def _about(said: Mapping[str, Any]) -> tuple[str, int]:
    return _text(said.get("room_id")), _count(said.get("seq")) or 0


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value[:_CHARS] if isinstance(value, str) else ""


def _said(words: Mapping[str, Any], plain: str, key: str, arguments: str) -> str:
    """Words, or the key by which the app finds them in its own language."""
    if words.get(plain):
        return _text(words[plain])
    if not words.get(key):
        return ""
    given = words.get(arguments)
    listed = ", ".join(map(str, given)) if isinstance(given, list) else ""
    return f"{_text(words[key])}({listed})"[:_CHARS]


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value[:18])
    return value if isinstance(value, int) and not isinstance(value, bool) else None
