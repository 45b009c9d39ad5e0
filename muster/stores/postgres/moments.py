"""Postgres' timestamps as the milliseconds that travel, and back.

Owns nothing else. Must never read a clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Unix milliseconds."""
    return (at - _EPOCH) // _MS


def from_ms(ms: int) -> datetime:
    """The reverse of `to_ms`; what lies outside Postgres' and Python's time becomes its nearest end."""
    try:
        return _EPOCH + ms * _MS
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if ms > 0 else _EPOCH
