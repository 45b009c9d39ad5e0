"""What Firebase is sent: `{"message": ...}` with an alert, or with data alone for an app that acts on it by itself.

`data` always has `kind` (message, notice, read), `room_id`, `seq`, `event_id`, `tag`, `badge`, and a notice `event` and
maybe `state`; all of its values are strings.

Owns Firebase's form, and its size: what may be 4096 bytes is data and notification, and here the whole message without
its address is. Pure. Must never know a project or a credential (pushers/fcm.py).
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from muster.push_device import PushDevice, TargetKind
from pushers import clip
from pushers.alert import Alert
from pushers.naming import collapse, event_id
from pushers.wording import Line, two_lines

MESSAGE_BYTES: Final = 4096


def alert_body(alert: Alert, device: PushDevice, ttl_s: int) -> bytes:
    """An alert, with as much of its text as fits. An app that fetches what it shows gets data alone."""
    alert = alert._replace(title=clip.line(alert.title), author=clip.line(alert.author))
    address = _address(device)
    return clip.fitted(
        lambda text: {"message": address | _alert(alert._replace(text=text), ttl_s)},
        alert.text,
        MESSAGE_BYTES + len(clip.encoded(address)),
    )


def read_body(room: UUID, seq: int, badge: int, device: PushDevice, ttl_s: int) -> bytes:
    """Read up to `seq` on another device: the app takes away what stands under the tag."""
    message = {
        "data": _data("read", room, seq, badge),
        "android": {"priority": "normal", "ttl": f"{ttl_s}s"},
    }
    return clip.encoded({"message": _address(device) | message})


def _alert(alert: Alert, ttl_s: int) -> dict[str, Any]:
    data = _data("message", alert.room, alert.seq, alert.badge) | _about(alert)
    android: dict[str, Any] = {"priority": "high", "ttl": f"{ttl_s}s"}
    if alert.fetch:
        return {"data": data | {"fetch": "1"}, "android": android}
    lines = two_lines(alert)
    android["notification"] = {
        **_line("title", lines.title),
        **_line("body", lines.body),
        "tag": data["tag"],
        "notification_count": alert.unread,
        "default_sound": True,
    }
    return {"data": data, "android": android}


def _about(alert: Alert) -> dict[str, str]:
    if alert.event is None:
        return {"unread": str(alert.unread)}
    state = {"state": alert.state} if alert.state else {}
    return {"kind": "notice", "event": str(alert.event), "tag": collapse(alert.place), **state}


def _line(which: str, line: Line) -> dict[str, Any]:
    if line.key:
        args = {f"{which}_loc_args": list(line.args)} if line.args else {}
        return {f"{which}_loc_key": line.key, **args}
    if line.words or which == "body":
        return {which: line.words}
    return {}


def _data(kind: str, room: UUID, seq: int, badge: int) -> dict[str, str]:
    return {
        "kind": kind,
        "room_id": str(room),
        "seq": str(seq),
        "event_id": str(event_id(room, seq)),
        "tag": collapse(room),
        "badge": str(badge),
    }


def _address(device: PushDevice) -> dict[str, Any]:
    which = "fid" if device.target_kind is TargetKind.fid else "token"
    return {which: device.token}
