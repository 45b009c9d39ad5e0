"""What schemathesis loads (SCHEMATHESIS_HOOKS): who asks, for whose things, and what they may never read.

Owns these hooks. They run in schemathesis' process and know of the Muster only what the party's file says.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import schemathesis

from tests.schema.parties import Party, enter

PARTY = msgspec.json.decode(Path(os.environ["SCHEMA_PARTY"]).read_bytes(), type=Party)
CLIENT = httpx.Client(base_url=PARTY.api_url)


class Login:
    """A token of the party's, anew every few seconds: what is generated logs out, too."""

    def get(self, _case: Any, _context: Any) -> str:
        return enter(CLIENT, PARTY.handle)[1]

    def set(self, case: Any, data: str, _context: Any) -> None:
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {data}"}


if PARTY.handle:
    schemathesis.auth(refresh_interval=3)(Login)


@schemathesis.hook  # type: ignore[untyped-decorator, unused-ignore]
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Two of three ids that could be somebody's are ada's. What was made wrong on purpose stays wrong."""
    for name, value in (case.path_parameters or {}).items():
        try:
            chosen = UUID(str(value)).int % 3
        except ValueError:
            continue
        if chosen and (hers := PARTY.ids.get(name)):
            case.path_parameters[name] = hers[chosen % len(hers)]


@schemathesis.check  # type: ignore[untyped-decorator, unused-ignore]
def nothing_of_adas(_context: Any, response: Any, _case: Any) -> None:
    """No answer holds her words, whoever asks for whatever."""
    assert PARTY.secret not in response.text, "this is ada's"
