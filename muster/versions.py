"""Versions of apps: which are still served.

Owns how a version is read and compared, the same on a socket and by REST. Pure. Must never know where it was said.
"""

from __future__ import annotations

from muster.errors import Refused
from proto.codes import Code


def version_of(text: str) -> tuple[int, ...]:
    """A dotted version as numbers; what is no number counts as 0, so that 1.2-beta is 1.0."""
    return tuple(int(part) if part.isascii() and part.isdigit() else 0 for part in text.split("."))


def check_version(said: str, oldest: str) -> None:
    """Raises `Refused`: `upgrade_required` where `said` is older than `oldest`; an empty `oldest` serves all."""
    if oldest and version_of(said) < version_of(oldest):
        sentence = f"this version of the app is no longer served; the oldest is {oldest}"
        raise Refused(Code.upgrade_required, sentence)
