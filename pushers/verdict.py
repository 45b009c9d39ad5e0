"""What an answer of a provider comes down to: an outcome, and what the carrier is to do about its own state.

Owns these names. Must never know a provider.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from pushers.outcome import Outcome


class Remedy(Enum):
    """refresh: come again once with another token. reconnect: this connection is of no more use."""

    none = "none"
    refresh = "refresh"
    reconnect = "reconnect"


class Verdict(NamedTuple):
    """`outcome` is what holds if the remedy does not help, or none is needed."""

    outcome: Outcome
    remedy: Remedy = Remedy.none


class Said(NamedTuple):
    """An answer: `whole` as in `Answer`, `retry_after_s` as its header said."""

    status: int
    body: bytes
    whole: bool = True
    retry_after_s: float | None = None
