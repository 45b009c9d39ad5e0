"""What somebody asks of the REST api next: 70 % pages, 20 % posts, 10 % other writes.

Owns the shares and the requests. Pure: randomness is passed in. Must never send anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final, NamedTuple
from urllib.parse import quote

_EMOJI: Final = [quote(emoji) for emoji in "👍🎉😀🔥👏"]


class Request(NamedTuple):
    """One request; `name` is its row. `room` is the one it is about, if any."""

    name: str
    method: str
    path: str
    body: Mapping[str, Any] | None = None
    room: str = ""


class Mix:
    """One person's requests; they know their rooms, and what they posted last in each."""

    def __init__(self, rooms: list[str], random: Random) -> None:
        self._rooms = rooms
        self._random = random
        self._last: dict[str, int] = {}

    def posted(self, room: str, seq: int) -> None:
        """A message of theirs got this seq."""
        self._last[room] = seq

    def next(self, client_id: str, text: str) -> Request:
        """What is asked now; `client_id` and `text` are taken if it is a post."""
        chance = self._random.random()
        room = self._random.choice(self._rooms)
        if chance < 0.45:
            return Request("history page", "GET", f"/v1/rooms/{room}/history?limit=20")
        if chance < 0.70:
            return Request("my rooms", "GET", "/v1/me/rooms?limit=100")
        seq = self._last.get(room)
        if chance < 0.90 or seq is None:
            body = {"client_id": client_id, "text": text}
            return Request("post", "POST", f"/v1/rooms/{room}/messages", body, room)
        if chance < 0.95:
            return Request("read pointer", "PUT", f"/v1/rooms/{room}/read", {"seq": seq})
        emoji = self._random.choice(_EMOJI)
        return Request("reaction", "PUT", f"/v1/rooms/{room}/messages/{seq}/reactions/{emoji}", {})
