"""What providers are sent: always JSON, never too large, never without badge and ids; and which words stand where."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.owed import Owed
from muster.push_device import Privacy, Provider, PushDevice, TargetKind
from pushers.alert import Alert, Form
from pushers.apns_payload import BODY_BYTES
from pushers.fcm_payload import MESSAGE_BYTES
from pushers.naming import COLLAPSE_BYTES, collapse, event_id, push_id
from pushers.push import Kind
from pushers.ration import HOUR_MS, Ration
from pushers.wording import KEYS
from pushers.writing import KEEP_S, read_elsewhere, written
from tests.architecture.source import ROOT as TREE
from tests.pushers.phrases import (
    NOON_MS,
    OTHER_ROOM,
    PHONE,
    ROOM,
    TABLET,
    device,
    judged,
    message,
    owed,
    rung,
)
from tests.pushers.test_clip import CLUSTERS

IPHONE = device(PHONE)
ANDROID = device(TABLET, provider=Provider.fcm)

_WORDS = st.one_of(
    st.text(max_size=120),
    st.lists(st.sampled_from(CLUSTERS), max_size=60).map("".join),
    st.tuples(st.sampled_from(CLUSTERS), st.integers(0, 8_000)).map(lambda w: w[0] * w[1]),
    st.tuples(st.text(max_size=9), st.integers(0, 900)).map(lambda w: w[0] * w[1]),
)

ALERTS = st.builds(
    Alert,
    form=st.sampled_from(Form),
    room=st.uuids(),
    seq=st.integers(1, 2**53),
    title=st.one_of(st.just(""), _WORDS),
    author=_WORDS,
    text=_WORDS,
    amount=st.integers(1, 10**9),
    mentions=st.integers(0, 10**9),
    badge=st.integers(0, 10**9),
    unread=st.integers(0, 10**9),
    urgent=st.booleans(),
    fetch=st.booleans(),
    event=st.one_of(st.none(), st.uuids()),
    state=st.sampled_from(("", "invited", "changed", "starts_soon", "cancelled", "waitlist_up")),
)


@given(ALERTS)
def test_an_iphone_gets_json_that_fits_with_badge_and_ids(alert: Alert) -> None:
    body = written(alert, IPHONE, NOON_MS).body
    assert len(body) <= BODY_BYTES
    got = json.loads(body)
    assert got["aps"]["badge"] == alert.badge
    assert got["aps"]["thread-id"] == collapse(alert.event or alert.room)
    assert (got["room_id"], got["seq"]) == (str(alert.room), alert.seq)
    assert got["event_id"] == str(event_id(alert.room, alert.seq))


@given(ALERTS, st.text("ab:_-", min_size=1, max_size=4096), st.sampled_from(TargetKind))
def test_an_android_gets_json_that_fits_with_badge_and_ids(
    alert: Alert, token: str, target: TargetKind
) -> None:
    """The address does not count: only what the phone is given."""
    phone = ANDROID._replace(token=token, target_kind=target)
    got = json.loads(written(alert, phone, NOON_MS).body)["message"]
    assert got.pop("fid" if target is TargetKind.fid else "token") == token
    assert len(json.dumps(got, ensure_ascii=False, separators=(",", ":")).encode()) <= MESSAGE_BYTES
    data = got["data"]
    assert all(isinstance(value, str) for value in data.values())
    assert (data["badge"], data["seq"]) == (str(alert.badge), str(alert.seq))
    assert (data["room_id"], data["tag"]) == (str(alert.room), collapse(alert.place))
    assert data["event_id"] == str(event_id(alert.room, alert.seq))


@given(st.sampled_from(CLUSTERS), st.integers(1, 8_000))
def test_a_text_is_cut_between_characters_and_uses_the_room_there_is(
    cluster: str, times: int
) -> None:
    alert = _alert(owed(message(text=cluster * times)))
    body = written(alert, IPHONE, NOON_MS).body
    text = json.loads(body)["aps"]["alert"]["body" if alert.form is Form.text else "loc-key"]
    if alert.form is not Form.text or text == alert.text:
        return
    assert text.endswith("…")
    kept = len(text[:-1]) // len(cluster)
    assert text[:-1] == cluster * kept
    assert len(body) > BODY_BYTES - len(json.dumps(cluster, ensure_ascii=False).encode())


def test_a_long_address_costs_the_text_nothing() -> None:
    alert = _alert(owed(message(text="x" * 8_000)))
    bodies = [
        json.loads(written(alert, ANDROID._replace(token="t" * chars), NOON_MS).body)["message"]
        for chars in (1, 1_000)
    ]
    shown = [body["android"]["notification"]["body"] for body in bodies]
    assert shown[0] == shown[1]
    assert len(shown[0]) > 3_000


def test_one_new_message_is_shown_also_where_others_stand_unread() -> None:
    """They rang before; only several new ones are told as a number."""
    for privacy, form in ((Privacy.full, Form.text), (Privacy.generic, Form.generic)):
        alert = _alert(owed(message(5), standing=5, devices=(device(privacy=privacy),)))
        assert (alert.form, alert.amount, alert.unread) == (form, 1, 5)


def _alert(what: Owed) -> Alert:
    (alert,) = rung(judged(what))
    assert alert is not None
    return alert


NAMING = message(1, mentions_me=True, text="@bo come")
PICTURE = message(1, text="", has_media=True)
TALK = (message(1), message(2), message(3, text="last"))
NAMED_TALK = (message(1), message(2, author_name="Cy", mentions_me=True), message(3))


def _key(name: str, *args: str) -> dict[str, Any]:
    return {"key": name, "args": list(args)}


@pytest.mark.parametrize(
    ("what", "privacy", "iphone", "android"),
    [
        (
            owed(),
            "full",
            ["Walkers", "Ada", "words 1"],
            ["Walkers", "Ada: words 1"],
        ),
        (owed(room_kind="direct"), "full", ["Ada", None, "words 1"], ["Ada", "words 1"]),
        (
            owed(NAMING, room_kind="event"),
            "full",
            ["Walkers", _key("PUSH_MENTION", "Ada"), "@bo come"],
            ["Walkers", _key("PUSH_MENTION_TEXT", "Ada", "@bo come")],
        ),
        (
            owed(PICTURE),
            "full",
            ["Walkers", "Ada", _key("PUSH_MEDIA")],
            ["Walkers", _key("PUSH_MEDIA_FROM", "Ada")],
        ),
        (
            owed(*TALK),
            "full",
            ["Walkers", None, _key("PUSH_MESSAGES", "3")],
            ["Walkers", _key("PUSH_MESSAGES", "3")],
        ),
        (
            owed(*TALK, room_kind="direct", standing=5),
            "full",
            ["Ada", None, _key("PUSH_MESSAGES", "5")],
            ["Ada", _key("PUSH_MESSAGES", "5")],
        ),
        (
            owed(*NAMED_TALK),
            "full",
            ["Walkers", _key("PUSH_MENTION", "Cy"), _key("PUSH_MESSAGES", "3")],
            ["Walkers", _key("PUSH_MESSAGES_MENTION", "3", "Cy")],
        ),
        (
            owed(*TALK, room_kind="public", mentions=2, unread=40),
            "full",
            ["Walkers", None, _key("PUSH_MENTIONS", "2")],
            ["Walkers", _key("PUSH_MENTIONS", "2")],
        ),
        (
            owed(),
            "sender",
            ["Walkers", "Ada", _key("PUSH_MESSAGE")],
            ["Walkers", _key("PUSH_MESSAGE_FROM", "Ada")],
        ),
        (
            owed(NAMING),
            "sender",
            ["Walkers", _key("PUSH_MENTION", "Ada"), _key("PUSH_MESSAGE")],
            ["Walkers", _key("PUSH_MENTION", "Ada")],
        ),
        (
            owed(room_kind="direct"),
            "sender",
            ["Ada", None, _key("PUSH_MESSAGE")],
            ["Ada", _key("PUSH_MESSAGE")],
        ),
        (owed(NAMING), "generic", [None, None, _key("PUSH_GENERIC")], [None, _key("PUSH_GENERIC")]),
        (
            owed(*TALK),
            "generic",
            [None, None, _key("PUSH_GENERIC_COUNT", "3")],
            [None, _key("PUSH_GENERIC_COUNT", "3")],
        ),
        (owed(), "ids", [None, None, _key("PUSH_GENERIC")], None),
    ],
)
def test_each_kind_of_room_and_privacy_has_its_words(
    what: Owed, privacy: str, iphone: list[Any], android: list[Any] | None
) -> None:
    private = what._replace(devices=(IPHONE._replace(privacy=Privacy(privacy)),))
    alert = _alert(private)
    shown = json.loads(written(alert, IPHONE, NOON_MS).body)["aps"]["alert"]
    assert [_said(shown, part, "-") for part in ("title", "subtitle", "")] == iphone
    message_ = json.loads(written(alert, ANDROID, NOON_MS).body)["message"]
    if android is None:
        assert "notification" not in message_["android"]
        assert message_["data"]["fetch"] == "1"
    else:
        note = message_["android"]["notification"]
        assert [_said(note, part, "_") for part in ("title", "body")] == android


def _said(shown: dict[str, Any], part: str, dash: str) -> object:
    start = f"{part}{dash}" if part else ""
    key = shown.get(f"{start}loc{dash}key")
    if key is not None:
        assert key in KEYS
        return _key(key, *shown.get(f"{start}loc{dash}args", []))
    return shown.get(part or "body")


SECRETS = ("Ada", "Walkers", "words")


@pytest.mark.parametrize(
    ("privacy", "over", "told"),
    [
        ("full", False, SECRETS),
        ("sender", False, ("Ada", "Walkers")),
        ("generic", False, ()),
        ("ids", False, ()),
        ("full", True, ()),
        ("ids", True, ()),
    ],
)
@pytest.mark.parametrize("phone", [IPHONE, ANDROID])
def test_nothing_leaves_that_the_privacy_level_keeps(
    phone: PushDevice, privacy: str, over: bool, told: tuple[str, ...]
) -> None:
    phone = phone._replace(privacy=Privacy(privacy))
    ended = frozenset({phone.device} if over else ())
    push = written(_alert(owed(devices=(phone,), session_over=ended)), phone, NOON_MS)
    assert tuple(word for word in SECRETS if word in push.body.decode()) == told
    assert ("fetch" in push.body.decode()) is (privacy == "ids" and not over)


def test_the_page_for_apps_lists_every_key() -> None:
    page = (TREE / "docs/notifications.md").read_text("utf-8")
    assert set(re.findall(r"`(PUSH_\w+)`", page)) == KEYS


# Silent forms


def test_an_android_is_told_what_was_read_elsewhere_by_data_alone() -> None:
    push = read_elsewhere(ANDROID, ROOM, 9, 3, Ration(), NOON_MS)
    got = json.loads(push.body)["message"]
    assert push.kind is Kind.silent
    assert got["android"]["priority"] == "normal"
    assert "notification" not in got["android"]
    data = got["data"]
    assert (data["kind"], data["tag"], data["seq"], data["badge"]) == (
        "read",
        collapse(ROOM),
        "9",
        "3",
    )


def test_an_iphone_is_woken_within_its_ration_and_then_has_its_badge_set() -> None:
    ration = Ration()
    kinds = []
    for minute in (0, 10, 20, 59, 60):
        push = read_elsewhere(IPHONE, ROOM, 9, 3, ration, NOON_MS + minute * 60_000)
        got = json.loads(push.body)
        kinds.append((push.kind, got["kind"]))
        if push.kind is Kind.silent:
            assert got["aps"] == {"content-available": 1}
            assert got["badge"] == 3
        else:
            assert got["aps"] == {"badge": 3}
        assert not push.urgent
    woken, counted = (Kind.silent, "read"), (Kind.alert, "badge")
    assert kinds == [woken, woken, counted, counted, woken]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, HOUR_MS // 2)), max_size=60))
def test_nobody_is_woken_more_than_twice_in_any_hour(steps: list[tuple[int, int]]) -> None:
    ration, now_ms, woken = Ration(), NOON_MS, dict[int, list[int]]()
    for phone, passed_ms in steps:
        now_ms += passed_ms
        may = ration.take(UUID(int=phone), now_ms)
        times = woken.setdefault(phone, [])
        recent = [at for at in times if now_ms - at < HOUR_MS]
        assert may is (len(recent) < 2)
        if may:
            times.append(now_ms)


def test_a_ration_is_bounded() -> None:
    ration = Ration(most=10)
    for phone in range(100):
        assert ration.take(UUID(int=phone), NOON_MS)
    assert len(ration) == 10


# Names


def test_every_attempt_has_the_same_id_and_every_push_another() -> None:
    alert = _alert(owed())
    first, again = written(alert, IPHONE, NOON_MS), written(alert, IPHONE, NOON_MS + 5)
    assert first.id == again.id == push_id(PHONE, ROOM, 1)
    others = {
        first.id,
        written(alert, ANDROID, NOON_MS).id,
        written(_alert(owed(message(2))), IPHONE, NOON_MS).id,
        read_elsewhere(IPHONE, ROOM, 1, 0, Ration(), NOON_MS).id,
        push_id(PHONE, OTHER_ROOM, 1),
    }
    assert len(others) == 5
    assert first.expires_ms == NOON_MS + KEEP_S * 1000


def test_what_is_of_one_room_replaces_itself() -> None:
    """Also the alert by word that it was read, on a phone that was off for both."""
    alert = written(_alert(owed()), IPHONE, NOON_MS)
    later = read_elsewhere(IPHONE, ROOM, 9, 0, Ration(), NOON_MS)
    assert alert.collapse == later.collapse != collapse(OTHER_ROOM)
    assert len(alert.collapse.encode()) <= COLLAPSE_BYTES
    assert str(ROOM) not in alert.collapse
