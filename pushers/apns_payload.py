"""What Apple is sent: the JSON of an alert, of "read elsewhere", and of a badge alone.

Beside `aps` every one has `kind` (message, notice, read, badge), `room_id` and `seq`, and all but a badge alone
`event_id`; a notice has `event` and maybe `state`.

Owns Apple's form, and its size. Pure. Must never know headers (pushers/apns.py): which push type and priority a body
goes with follows from its kind.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from pushers import clip
from pushers.alert import Alert
from pushers.naming import collapse, event_id
from pushers.wording import Line, three_lines

BODY_BYTES: Final = 4096


def alert_body(alert: Alert) -> bytes:
    """An alert, with as much of its text as fits."""
    alert = alert._replace(title=clip.line(alert.title), author=clip.line(alert.author))
    return clip.fitted(lambda text: _alert(alert._replace(text=text)), alert.text, BODY_BYTES)


def read_body(room: UUID, seq: int, badge: int) -> bytes:
    """Read up to `seq` on another device: the app wakes and takes away what it shows of it.

    Nothing in `aps` may be seen or heard, so the badge is the app's to set.
    """
    aps = {"content-available": 1}
    return clip.encoded(
        {"aps": aps, "kind": "read", "badge": badge, **_ids(room, seq)},
    )


def badge_body(room: UUID, seq: int, badge: int) -> bytes:
    """The badge alone, which the phone sets by itself: an alert that shows nothing."""
    return clip.encoded({"aps": {"badge": badge}, "kind": "badge", **_ids(room, seq)})


def _alert(alert: Alert) -> dict[str, Any]:
    lines = three_lines(alert)
    shown: dict[str, Any] = {}
    for prefix, line in (("title", lines.title), ("subtitle", lines.subtitle), ("", lines.body)):
        shown |= _line(prefix, line)
    return {
        "aps": {
            "alert": shown,
            "badge": alert.badge,
            "sound": "default",
            "thread-id": collapse(alert.thread),
            # An extension of the app may complete it, or put it into its own words.
            "mutable-content": 1,
        },
        **({"kind": "message", "unread": alert.unread} if alert.event is None else _news(alert)),
        **({"fetch": 1} if alert.fetch else {}),
        **_ids(alert.room, alert.seq),
    }


def _news(alert: Alert) -> dict[str, Any]:
    state = {"state": alert.state} if alert.state else {}
    return {"kind": "notice", "event": str(alert.event), **state}


def _line(prefix: str, line: Line) -> dict[str, Any]:
    if line.key:
        start = f"{prefix}-" if prefix else ""
        args = {f"{start}loc-args": list(line.args)} if line.args else {}
        return {f"{start}loc-key": line.key, **args}
    # The body stays where it is empty, so that making room for it is counted once.
    if line.words or not prefix:
        return {prefix or "body": line.words}
    return {}


def _ids(room: UUID, seq: int) -> dict[str, Any]:
    return {"room_id": str(room), "seq": seq, "event_id": str(event_id(room, seq))}
