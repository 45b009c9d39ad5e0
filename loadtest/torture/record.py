"""What every record of a run's history has: when its writer saw it.

Owns that one shape. Must never know what is recorded (history.py, push_history.py).
"""

from __future__ import annotations

from msgspec import Struct


class Record(Struct, kw_only=True, omit_defaults=True, gc=False):
    """`t`: when its writer saw it, in ns."""

    t: int
