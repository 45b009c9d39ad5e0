"""What the mock phones got, by the mocks' admin API.

Owns how a push is read there. Must never judge it (rules.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import httpx
import msgspec
from msgspec import Struct

from loadtest.away.rules import Rang

AT_ONCE: Final = 5_000
_COUNTS: Final = frozenset({"PUSH_MESSAGES", "PUSH_MESSAGES_MENTION", "PUSH_MENTIONS"})


class _Received(Struct):
    number: int
    at_ms: int
    token: str
    taken: bool
    body: str


class Handsets:
    """All phones of a run; `owners`: whose a token is, `rooms`: their numbers by id."""

    def __init__(
        self, http: httpx.AsyncClient, owners: Mapping[str, int], rooms: Mapping[UUID, int]
    ) -> None:
        """`http` is the admin API's."""
        self._http = http
        self._owners = owners
        self._rooms = rooms
        self._last = 0
        self.rang: dict[int, list[Rang]] = defaultdict(list)
        self.strangers = 0
        """Pushes to a phone or about a room that is none of this run's."""

    async def skip(self) -> None:
        """What came before now is of another run."""
        await self.look()
        self.rang.clear()
        self.strangers = 0

    async def look(self) -> int:
        """Take in what came since; how many pushes that were."""
        came = 0
        while True:
            answer = await self._http.get(
                "/received", params={"after": self._last, "most": AT_ONCE}
            )
            found = msgspec.json.decode(answer.raise_for_status().content, type=list[_Received])
            for one in found:
                self._last = one.number
                if one.taken:
                    came += 1
                    self._note(one)
            if len(found) < AT_ONCE:
                return came

    def _note(self, one: _Received) -> None:
        rang = read(msgspec.json.decode(one.body), one.at_ms, self._rooms)
        owner = self._owners.get(one.token)
        if owner is None or rang is None:
            self.strangers += 1
        else:
            self.rang[owner].append(rang)


def read(body: Mapping[str, Any], at_ms: int, rooms: Mapping[UUID, int]) -> Rang | None:
    """An alert of either provider; None where it is none, or about an unknown room."""
    message = body.get("message")
    if message is None:
        data, badge, words = body, body["aps"].get("badge"), body["aps"].get("alert", {})
    else:
        data = message.get("data", {})
        badge, words = data.get("badge"), message.get("android", {}).get("notification", {})
    room = rooms.get(UUID(data["room_id"])) if data.get("kind") == "message" else None
    if room is None:
        return None
    key = words.get("loc-key") or words.get("body_loc_key")
    amount = (words.get("loc-args") or words.get("body_loc_args"))[0] if key in _COUNTS else 1
    return Rang(room, int(data["seq"]), at_ms, int(badge), int(data["unread"]), int(amount))
