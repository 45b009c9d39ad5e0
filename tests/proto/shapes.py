"""Owns how Hypothesis makes any frame of the protocol; never one the codec should refuse."""

from typing import Any

from hypothesis import strategies as st

from proto import frames, limits
from proto.entry import Body, EntryKind, LinkPreview, Poll

_characters = st.characters(codec="utf-8", exclude_characters="\x00")
_request_ids = st.integers(0, 2**31 - 1)
_seqs = st.integers(0, 2**53 - 1)
_ids = st.uuids()
_texts = st.text(_characters, max_size=200)
_long_texts = _texts | st.just("é" * limits.TEXT_CHARS)
_client_ids = st.text(_characters, min_size=1, max_size=limits.CLIENT_ID_CHARS)
_emoji = st.text(_characters, min_size=1, max_size=limits.EMOJI_CHARS)
_short = st.text(_characters, max_size=64)
_targets = _seqs | _client_ids
_meta_values = (
    st.text(_characters, max_size=20)
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none()
)
_metas = st.dictionaries(
    st.text(_characters, min_size=1, max_size=limits.META_KEY_CHARS), _meta_values, max_size=5
).filter(lambda meta: all(not isinstance(v, float) or not v.is_integer() for v in meta.values()))
_mentions = st.none() | st.lists(_ids, max_size=5)
_positions = st.lists(st.tuples(_ids, _seqs), max_size=5)
_states = st.builds(
    frames.RoomState,
    room=_ids,
    status=st.sampled_from(["live", "head", "gap", "removed", "joined"]),
    from_seq=_seqs,
    head=_seqs,
    msg_no=_seqs,
)
_choices = st.lists(st.integers(0, limits.POLL_OPTIONS - 1), max_size=limits.POLL_OPTIONS)
_polls = st.builds(
    Poll,
    options=st.lists(
        st.text(_characters, min_size=1, max_size=limits.POLL_OPTION_CHARS),
        min_size=2,
        max_size=limits.POLL_OPTIONS,
    ),
    multiple=st.booleans(),
    anonymous=st.booleans(),
    closes_at_ms=st.none() | _seqs,
)
_cards = st.builds(LinkPreview, link=_texts, url=_texts, site=_texts, title=_texts, image=_texts)
_bodies = st.builds(
    Body,
    text=st.none() | _texts,
    mentions=_mentions,
    here=st.booleans(),
    reply_to=st.none() | _seqs,
    meta=st.none() | _metas,
    target=st.none() | _seqs,
    members=st.none() | _seqs,
    room=st.none() | _ids,
    poll=st.none() | _polls,
    choices=st.none() | _choices,
    was=st.none() | _choices,
    counts=st.none() | st.lists(_seqs, max_size=limits.POLL_OPTIONS),
    voters=st.none() | _seqs,
    preview=st.none() | _cards,
)
_kinds = st.sampled_from(list(EntryKind))
_previews = st.builds(frames.Preview, author=_ids, kind=_kinds, text=_texts, at_ms=_seqs)
_limits = st.builds(frames.Limits, _seqs, _seqs, _seqs, st.floats(0.5, 9.5), _seqs)

_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "id": _request_ids,
    "token": st.text(_characters, max_size=500),
    "app": _short,
    "version": _short,
    "platform": _short,
    "install": _short,
    "generation": _ids,
    "positions": _positions,
    "live": st.none() | st.lists(_ids, max_size=5),
    "state": st.sampled_from(["active", "idle", "background"]),
    "room": _ids,
    "client_id": _client_ids,
    "text": _long_texts,
    "mentions": _mentions,
    "here": st.booleans(),
    "reply_to": st.none() | _seqs,
    "attachments": st.none() | st.lists(_ids, max_size=5),
    "meta": st.none() | _metas,
    "target": _targets,
    "emoji": _emoji,
    "poll": st.none() | _polls,
    "choices": _choices,
    "person": _ids,
    "session": _ids,
    "device": _ids,
    "self_room": _ids,
    "min_version": _short,
    "limits": _limits,
    "fresh": st.booleans(),
    "message": _texts,
    "temporary": st.booleans(),
    "retry_after_ms": st.none() | _seqs,
    "resumable": st.booleans(),
    "reason": _texts,
    "kind": _kinds,
    "author": _ids,
    "subject": st.none() | _ids,
    "body": _bodies,
    "contacts": st.booleans(),
    "people": st.lists(_ids, max_size=5),
    "whole": st.booleans(),
    "known": st.booleans(),
    "fixes": st.lists(
        st.builds(
            frames.PhoneFix,
            lat=st.floats(-90, 90),
            lon=st.floats(-180, 180),
            accuracy_m=st.floats(0, 1e6),
            at_ms=_seqs,
            speed_mps=st.none() | st.floats(0, 1e3),
            mock=st.booleans(),
        ),
        min_size=1,
        max_size=5,
    ),
    "crossings": st.lists(
        st.builds(frames.PhoneCrossing, room=_ids, is_enter=st.booleans(), at_ms=_seqs),
        min_size=1,
        max_size=5,
    ),
    "verdicts": st.lists(st.sampled_from(["judged", "mocked", "no_event"]), max_size=5),
    "events": st.lists(
        st.builds(frames.EventPlace, room=_ids, phase=st.sampled_from(["near", "inside", "left"])),
        max_size=5,
    ),
    "form": st.sampled_from(["names", "sample", "count"]),
    "preview": st.none() | _previews,
    "read": st.none() | _seqs,
    "received": st.none() | _seqs,
}
_people = st.lists(
    st.builds(
        frames.PersonPresence,
        person=_ids,
        state=st.sampled_from(["active", "idle", "background", "offline"]),
        busy_until_ms=_seqs,
        text=_texts,
        emoji=_texts,
        text_until_ms=_seqs,
        room=st.none() | _ids,
    ),
    max_size=3,
)
_ROOMS: dict[type, st.SearchStrategy[Any]] = {
    frames.Watch: st.lists(_ids, max_size=5),
    frames.Attend: st.lists(st.tuples(_ids, st.none() | _seqs), max_size=5),
    frames.RoomStates: st.lists(_states, max_size=5),
}


def _any(base: type[frames.Client] | type[frames.Server]) -> st.SearchStrategy[Any]:
    """Any frame of this direction: a field without a line above is a number."""
    return st.one_of(
        [
            st.builds(
                cls,
                **{
                    name: _ROOMS[cls]
                    if name == "rooms"
                    else _people
                    if name == "people" and base is frames.Server
                    else _FIELDS.get(name, _seqs)
                    for name in cls.__struct_fields__
                },
            )
            for cls in base.__subclasses__()
        ]
    )


client_frames: st.SearchStrategy[frames.ClientFrame] = _any(frames.Client)
server_frames: st.SearchStrategy[frames.ServerFrame] = _any(frames.Server)
