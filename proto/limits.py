"""Every bound of the wire, with its unit.

Owns the numbers; `frames.py` uses them as type constraints, `Ready` announces those a client needs.
Must never depend on a setting: a limit that an operator may change is announced, not imported.
"""

from __future__ import annotations

from typing import Final

FRAME_BYTES: Final = 65_536
"""One WebSocket message, either way (OWASP's WebSocket sheet: 64 KB or less)."""

FRAME_BYTES_BEFORE_AUTH: Final = 4_096
"""All that is read before authentication: an access token with room to spare."""

TEXT_CHARS: Final = 8_000
META_BYTES: Final = 2_048
META_KEYS: Final = 32
META_KEY_CHARS: Final = 64
CLIENT_ID_CHARS: Final = 64
EMOJI_CHARS: Final = 32
MENTIONS: Final = 50
ATTACHMENTS: Final = 10
POLL_OPTIONS: Final = 12
POLL_OPTION_CHARS: Final = 100
POLL_QUESTION_CHARS: Final = 300
ROOMS_PER_FRAME: Final = 1_000
"""Rooms in one resume, attend or pointer frame."""

WATCHED_PEOPLE: Final = 500
"""People named in one watch frame, beside one's contacts."""

WATCHED_ROOMS: Final = 50
"""Rooms whose presence one socket hears."""

FIXES: Final = 50
"""Fixes in one frame or request."""

CROSSINGS: Final = 20
"""Crossings in one frame or request: a phone watches no more regions."""

PREVIEW_CHARS: Final = 120
SUBPROTOCOL_MSGPACK: Final = "muster.v1.msgpack"
SUBPROTOCOL_JSON: Final = "muster.v1.json"
