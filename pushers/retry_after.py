"""Owns reading Retry-After: seconds, or a date. Pure. What is nonsense counts as not said."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Final

MOST_S: Final = 3_600.0
_DIGITS_MOST: Final = 9


def retry_after_s(value: str, now_ms: int) -> float | None:
    """Seconds from now, an hour at most; None if nothing sensible was said."""
    value = value.strip()
    if value.isdigit() and value.isascii():
        return min(MOST_S, float(value[:_DIGITS_MOST]))
    try:
        at_ms = parsedate_to_datetime(value).timestamp() * 1000
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(MOST_S, max(0.0, (at_ms - now_ms) / 1000))
