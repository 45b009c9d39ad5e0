"""What became of one push: the four answers and the fault that every provider's reasons come down to.

Owns these names. Must never know a provider: `pushers/apns_reasons.py` and `pushers/fcm_reasons.py` map theirs
to them.
"""

from __future__ import annotations

from typing import NamedTuple


class Delivered(NamedTuple):
    """The provider has it. `sure`: false where an answer never came and it was sent again."""

    sure: bool = True


class TokenDead(NamedTuple):
    """Nobody is there any more. `before_ms`: only of what was registered before (Unix ms); None: before this
    push was made.
    """

    reason: str
    before_ms: int | None = None


class TryLater(NamedTuple):
    """Not now. `after_s`: not before; None: the sender's own backoff. `scope`: what is to wait: device,
    provider or push.

    `ambiguous`: it was sent whole and no answer came, so it may have been delivered.
    """

    reason: str
    after_s: float | None = None
    scope: str = "push"
    ambiguous: bool = False


class Rejected(NamedTuple):
    """Never, as it is: our fault, and a dead letter. The token stays, unless `mistoken`: it is no token of this
    app or world.
    """

    reason: str
    mistoken: bool = False


class CredentialFault(NamedTuple):
    """Our key, certificate or account is refused: nothing goes out until somebody mends it; no token is
    touched.
    """

    reason: str


Outcome = Delivered | TokenDead | TryLater | Rejected | CredentialFault
