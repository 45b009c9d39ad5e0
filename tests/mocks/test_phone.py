"""What a phone shows of the pushes it was sent."""

from typing import Any
from uuid import UUID

from loadtest.mocks.effect import Effect, apns_effect, fcm_effect
from loadtest.mocks.phone import Phone

_ROOM = "4e1b4f0e-0000-4000-8000-000000000001"
_NOW_MS = 1_700_000_000_000
_LATER = "1700000060"


def _apns(payload: dict[str, Any], number: int = 0, **headers: str) -> Effect:
    whole = {f"apns-{name.replace('_', '-')}": value for name, value in headers.items()}
    return apns_effect({"apns-topic": "app", **whole}, payload, UUID(int=number))


def _alert(body: str, **aps: object) -> dict[str, Any]:
    return {"aps": {"alert": {"title": "Room", "subtitle": "Ada", "body": body}, **aps}}


def _fcm(message: dict[str, Any], number: int = 0) -> Effect:
    return fcm_effect({"token": "t", **message}, f"name{number}", _NOW_MS)


def _shown(phone: Phone) -> list[str]:
    return [one.shown.body for one in phone.notifications()]


def _phone(*effects: Effect, provider: str = "apns") -> Phone:
    phone = Phone(provider)
    for effect in effects:
        phone.push(effect, _NOW_MS)
    return phone


def test_a_collapse_id_replaces_and_others_add() -> None:
    """Newest first; how often it came is told."""
    phone = _phone(
        _apns(_alert("one"), 1, collapse_id="r"),
        _apns(_alert("two"), 2),
        _apns(_alert("three"), 3, collapse_id="r"),
    )
    assert _shown(phone) == ["three", "two"]
    assert [one.rang for one in phone.notifications()] == [2, 1]
    assert phone.notifications()[0].shown.title == "Room · Ada"


def test_threads_stand_by_their_name() -> None:
    """`thread-id`, and for Firebase the tag."""
    apple = _phone(_apns(_alert("one", **{"thread-id": "room"})))
    assert apple.notifications()[0].shown.thread == "room"
    message = {"data": {"tag": "room"}, "android": {"notification": {"tag": "room", "body": "x"}}}
    assert _phone(_fcm(message)).notifications()[0].shown.thread == "room"


def test_a_badge_alone_changes_nothing_else() -> None:
    """It may go to 0 as well."""
    phone = _phone(_apns(_alert("one", badge=3)), _apns({"aps": {"badge": 2}}))
    assert (phone.badge, _shown(phone)) == (2, ["one"])
    phone.push(_apns({"aps": {"badge": 0}}), _NOW_MS)
    assert phone.badge == 0


def test_read_elsewhere_takes_away_what_was_read_and_no_more() -> None:
    """Of that room, up to that seq; on both kinds of phone."""
    about = {"room_id": _ROOM, "kind": "message"}
    apple = _phone(
        _apns({**_alert("one"), **about, "seq": 1}, 1),
        _apns({**_alert("two"), **about, "seq": 2}, 2),
        _apns({**_alert("other"), "room_id": "another", "seq": 1}, 3),
        _apns(
            {
                "aps": {"content-available": 1},
                "kind": "read",
                "room_id": _ROOM,
                "seq": 1,
                "badge": 1,
            }
        ),
    )
    assert (_shown(apple), apple.badge) == (["other", "two"], 1)
    android = _phone(
        _fcm(
            {
                "data": {**about, "seq": "4", "tag": "r", "badge": "1"},
                "android": {"notification": {"tag": "r", "body": "four", "notification_count": 9}},
            }
        ),
        _fcm({"data": {"kind": "read", "room_id": _ROOM, "seq": "3", "badge": "1"}}),
    )
    assert (_shown(android), android.badge) == (["four"], 1)
    android.push(
        _fcm({"data": {"kind": "read", "room_id": _ROOM, "seq": "4", "badge": "0"}}), _NOW_MS
    )
    assert (_shown(android), android.badge) == ([], 0)


def test_data_alone_is_shown_by_the_app() -> None:
    """Its own words, or what it fetches; nothing where it says nothing."""
    phone = _phone(
        _fcm({"data": {"title": "Ada", "body": "Hello", "tag": "r"}}, 1),
        _fcm({"data": {"kind": "message", "fetch": "1", "tag": "q"}}, 2),
        _fcm({"data": {"kind": "sync"}}, 3),
        provider="fcm",
    )
    assert _shown(phone) == ["(the app fetches what it shows)", "Hello"]


def test_localisation_keys_are_shown_with_what_they_are_filled_with() -> None:
    """The app has the words."""
    apple = _phone(_apns({"aps": {"alert": {"loc-key": "NEW", "loc-args": ["Ada", "3"]}}}))
    assert _shown(apple) == ["NEW(Ada, 3)"]
    android = _phone(_fcm({"android": {"notification": {"body_loc_key": "NEW"}}}))
    assert _shown(android) == ["NEW()"]


def test_apple_keeps_one_push_for_a_phone_that_is_away() -> None:
    """The newest of the app, if it may be stored at all and is not too old."""
    phone = Phone("apns")
    phone.connect(online=False, now_ms=_NOW_MS)
    for number, body in enumerate(("one", "two")):
        phone.push(_apns(_alert(body), number, expiration=_LATER), _NOW_MS)
    phone.push(_apns(_alert("three"), 3, expiration="0"), _NOW_MS)
    assert (_shown(phone), phone.kept) == ([], 1)
    phone.connect(online=True, now_ms=_NOW_MS)
    assert _shown(phone) == ["two"]
    phone.connect(online=False, now_ms=_NOW_MS)
    phone.push(_apns(_alert("four"), 4, expiration=_LATER), _NOW_MS)
    phone.connect(online=True, now_ms=_NOW_MS + 61_000)
    assert _shown(phone) == ["two"]


def test_google_keeps_all_until_there_are_too_many() -> None:
    """Four collapse keys; a hundred others, and at one more none and a word about it."""
    phone = Phone("fcm")
    phone.connect(online=False, now_ms=_NOW_MS)
    for number in range(6):
        message = {"data": {"body": f"key {number}"}, "android": {"collapse_key": str(number)}}
        phone.push(_fcm(message, number), _NOW_MS)
    assert phone.kept == 4
    for number in range(100):
        phone.push(_fcm({"data": {"body": f"{number}"}}, 100 + number), _NOW_MS)
    assert (phone.kept, phone.lost) == (104, False)
    phone.push(_fcm({"data": {"body": "too many"}}, 300), _NOW_MS)
    assert (phone.kept, phone.lost) == (0, True)
    now = _fcm({"data": {"body": "now or never"}, "android": {"ttl": "0s"}})
    phone.push(now, _NOW_MS)
    assert phone.kept == 0


def test_who_opens_the_app_has_nothing_on_the_screen() -> None:
    """And no badge."""
    phone = _phone(_apns(_alert("one", badge=3)))
    phone.opened()
    assert (phone.badge, _shown(phone)) == (0, [])


def test_a_screen_holds_so_many() -> None:
    """The oldest go."""
    phone = _phone(*(_apns(_alert(str(number)), number) for number in range(150)))
    assert len(_shown(phone)) == 100
    assert _shown(phone)[0] == "149"
