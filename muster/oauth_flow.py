"""One login by another service, from the app that begins it to the app that ends it.

    app      challenge, redirect     -> state, PKCE verifier and nonce of ours follow from one secret
    browser  state, the service's code -> a code of ours, to the redirect
    app      that code, its verifier   -> what the service said

The app's own challenge (RFC 7636, S256) binds the end to the beginning: whoever steals the code, or slips one to
somebody else's browser, has not the verifier. Owns these words, pure but for the sealer's keys. Must never be logged.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final, Protocol
from urllib.parse import urlencode
from uuid import UUID

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from msgspec import Struct

from muster.email import Email
from muster.ids import PersonId, Random, SessionId
from muster.sealer import Field, Sealer

FIELD: Final = Field("oauth_flows", "said_sealed")
WITHIN_S: Final = 600
"""To log in over there."""

CODE_S: Final = 120
"""For the app to come with the code."""

WORD_CHARS: Final = 128
CHALLENGE: Final = r"^[A-Za-z0-9_-]{43}$"
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_SECRET_BYTES: Final = 32
_DERIVING: Final = Field("oauth_flows", "derived")


class Said(Struct, frozen=True, gc=False):
    """What a service says of somebody. `email` only if it says that it is verified. Its repr hides them."""

    subject: str
    handle: str = ""
    name: str = ""
    email: str = ""

    def __repr__(self) -> str:
        return "Said()"


class NewFlow(Struct, frozen=True, gc=False):
    """A flow to be kept. `person` and `session`: to whose account it links."""

    id: UUID
    provider: str
    state_hash: bytes
    challenge: str
    redirect: str
    person: PersonId | None
    session: SessionId | None


class Returned(Struct, frozen=True, gc=False):
    """A flow whose browser has come back, for the first time."""

    id: UUID
    redirect: str


class Ended(Struct, frozen=True, gc=False):
    """A flow whose app has come with the code, for the first time; it is forgotten."""

    id: UUID
    provider: str
    challenge: str
    person: PersonId | None
    session: SessionId | None
    said_sealed: bytes


class FlowStore(Protocol):
    """Where flows are kept. All raise `Refused`: `unavailable`."""

    async def add(self, new: NewFlow, within_s: int) -> None: ...

    async def come_back(self, state_hash: bytes, provider: str) -> Returned | None:
        """Once, and only of this provider."""
        ...

    async def keep(self, flow: UUID, code_hash: bytes, said_sealed: bytes, within_s: int) -> None:
        """What the service said, until the app comes for it."""
        ...

    async def end(self, code_hash: bytes) -> Ended | None:
        """Once."""
        ...


class Words(Struct, frozen=True, gc=False):
    """What goes to the service. The verifier only beside its code. Its repr hides them."""

    state: str
    verifier: str
    nonce: str

    def __repr__(self) -> str:
        return "Words()"

    @property
    def challenge(self) -> str:
        return str(create_s256_code_challenge(self.verifier))


def new_word(random: Random) -> str:
    """A state, or a code of ours."""
    return _text(random.getrandbits(8 * _SECRET_BYTES).to_bytes(_SECRET_BYTES, "big"))


def words(sealer: Sealer, state: str) -> Words:
    """What follows from a state: nobody who sees that can work it out. Raises `Refused`: `unavailable`."""
    given = state.encode("utf-8", "replace")
    verifier = sealer.blind(b"verifier|" + given, _DERIVING)
    nonce = sealer.blind(b"nonce|" + given, _DERIVING)
    return Words(state, _text(verifier), _text(nonce))


def stored(word: str) -> bytes:
    """What is kept of a state or code."""
    return hashlib.sha256(b"muster oauth" + word.encode("utf-8", "replace")).digest()


def proves(verifier: str, challenge: str) -> bool:
    """Whether the app with this verifier is the one that sent this challenge."""
    if not VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(str(create_s256_code_challenge(verifier)), challenge)


def back(redirect: str, **more: str) -> str:
    """The redirect with these in its query."""
    # As it was allowed, to the letter: taking it apart might write it in another way.
    return f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(more)}"


def address(said: Said) -> Email | None:
    """Its verified address."""
    return Email(said.email) if said.email else None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
