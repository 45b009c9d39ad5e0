"""Ada, with a room, words and whatever else a person can have, and those who ask for it.

Owns how they are made, by REST like anybody, and what of ada's must stay as it is.
"""

from __future__ import annotations

from time import time
from typing import Any, Final
from uuid import uuid4

import httpx
from msgspec import Struct

PASSWORD: Final = "a long enough password"
WEEK_MS: Final = 7 * 86_400_000
_HERS: Final = (
    "/v1/me",
    "/v1/me/blocks",
    "/v1/me/privacy",
    "/v1/me/reminders",
    "/v1/me/scheduled",
)
"""But for contacts: anybody may ask to be one."""

_OF_HER_ROOM: Final = ("", "/history", "/links", "/members", "/pins")
_OF_HER_EVENT: Final = ("", "/roster", "/attendance", "/stats")


class Party(Struct):
    """What the hooks need: who asks ("" for nobody), whose ids are tried, and the words nobody else may read."""

    api_url: str
    handle: str
    ids: dict[str, list[str]]
    secret: str


class Ada:
    """Somebody with one of everything."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.secret = f"only ada knows {uuid4().hex}"
        self.person, self._token = enter(client, "schema-ada")
        room = self._ask("POST", "/v1/rooms", {"kind": "group", "title": self.secret})
        self.room = str(room["id"])
        at = f"/v1/rooms/{self.room}"
        said = self._ask("POST", f"{at}/messages", {"client_id": "a", "text": self.secret})
        self._ask("PUT", f"{at}/pins/{said['seq']}", {})
        link = self._ask("POST", f"{at}/links", {})
        at_ms = int(time() * 1_000) + WEEK_MS
        later = {"client_id": "b", "text": self.secret, "at_ms": at_ms}
        self._ask("POST", f"{at}/scheduled", later)
        kept = {"room": self.room, "seq": said["seq"], "at_ms": at_ms, "note": self.secret}
        self._ask("POST", "/v1/me/reminders", kept)
        party = {"title": self.secret, "zone": "UTC", "about": self.secret}
        times = {"starts_at_ms": at_ms, "ends_at_ms": at_ms + 60_000}
        self.event = str(self._ask("POST", "/v1/events", {**party, **times})["id"])
        sessions = self._ask("GET", "/v1/me/sessions")["sessions"]
        self.ids = {
            "room": [self.room, self.event],
            "person": [self.person],
            "session": [each["id"] for each in sessions],
            "device": [each["device"] for each in sessions],
            "job": self._jobs(),
            "code": [link["code"]],
        }

    def state(self) -> dict[str, Any]:
        """Everything that nobody else may change."""
        asked = [
            *_HERS,
            *(f"/v1/rooms/{self.room}{what}" for what in _OF_HER_ROOM),
            *(f"/v1/events/{self.event}{what}" for what in _OF_HER_EVENT),
        ]
        return {path: self._ask("GET", path) for path in asked}

    def _jobs(self) -> list[str]:
        lists = [self._ask("GET", f"/v1/me/{what}") for what in ("scheduled", "reminders")]
        return [str(job["id"]) for each in lists for jobs in each.values() if jobs for job in jobs]

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = self._client.request(method, path, json=body, headers=headers)
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else None


def enter(client: httpx.Client, handle: str) -> tuple[str, str]:
    """Register if need be, and log in: the person and a token."""
    body = {"handle": handle, "password": PASSWORD}
    client.post("/v1/people", json=body)
    answer = client.post("/v1/sessions", json={**body, "install": "schema"})
    assert answer.status_code == 201, answer.text
    grant = answer.json()
    return str(grant["person"]), str(grant["access_token"])
