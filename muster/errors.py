"""Why something was refused: one exception, whose code is a row of proto.codes.

    Refused              a request that is not done; code, sentence, temporary
    (stores raise)       Refused(Code.unavailable) when Postgres or Redis does not answer in time

Owns the exception that doors turn into an Error frame or a problem document. Must never carry personal data:
the sentence reaches clients and logs.
"""

from __future__ import annotations

from proto.codes import TEMPORARY, Code


class Refused(Exception):
    """A request that was not done. `str()` is a sentence for the client's developer."""

    def __init__(self, code: Code, message: str, *, retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_ms = retry_after_ms

    @property
    def temporary(self) -> bool:
        """Whether the same request may succeed later; for a post, that its outcome is unknown."""
        return self.code in TEMPORARY


NOT_FOUND = "no such room, or you are not in it"
"""One sentence for both, so that nobody learns which rooms exist."""


def not_found() -> Refused:
    """The answer to an unknown room and to a room one is not in: the same."""
    return Refused(Code.not_found, NOT_FOUND)


def unavailable(what: str) -> Refused:
    """`what` (a service) does not answer in time; nothing is known about the outcome."""
    return Refused(
        Code.unavailable, f"{what} does not answer just now; try again with the same client id"
    )
