"""Rotation of the signing keys: next, current, previous.

    rotate       the next key signs from now on, the one before is kept for its tokens, and a new next is published
    replace      the keys may be in the wrong hands: a new one signs at once, all others go with every token of theirs
    prune        keys whose last token has expired go
    roles        which key is what

Owns the files beside the keys: `<kid>.retired` says since when a key signs no more. No key signs before everybody has
had it for PUBLISHED_S, and none goes while a token of it may live. Must never read or make a key by itself
(muster/keys.py).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from muster.config import Settings
from muster.extension import LIFE_S as EXTENSION_S
from muster.keys import NEXT, SIGNING, KeysError, made_at, new_key, next_kids, signing_kids

PUBLISHED_S: Final = 600
"""Twice as long as anybody may keep the JWKS; our own processes have a new file within seconds."""

LEEWAY_S: Final = 300
"""Clocks of machines that share the directory may differ."""

RETIRED: Final = ".retired"


class Key(NamedTuple):
    """One key: `next`, `current` or `previous`; a previous one goes at `until`."""

    kid: str
    role: str
    made: datetime | None
    until: datetime | None = None


class Rotated(NamedTuple):
    """What signs now and what signs next. `promoted` is false where a next key had to be published first."""

    current: str
    next: str
    promoted: bool
    removed: list[str]


def longest_life_s(settings: Settings) -> int:
    """How long what a key has signed may live: access tokens, addresses of media, tokens of notification extensions."""
    return max(settings.access_token_s, settings.media_link_s, EXTENSION_S) + LEEWAY_S


def rotate(
    directory: Path, now: datetime, life_s: int, published_s: float = PUBLISHED_S
) -> Rotated:
    """Let the next key sign. Raises `KeysError`: the directory cannot be used, or the next key is too new."""
    with _alone(directory):
        current = _current(directory)
        following = _following(directory, current)
        if following is None:
            published = _publish(directory, current)
            return Rotated(current, published, promoted=False, removed=[])
        made = made_at(following)
        ready = None if made is None else made + timedelta(seconds=published_s)
        if ready is not None and now < ready:
            raise KeysError(
                f"the next key is too new to sign: not everybody may have it before {ready:%Y-%m-%d %H:%M:%S} UTC"
            )
        # Its tokens live on from this moment; the rename is the moment.
        _retire(directory, current, now)
        (directory / f"{following}{NEXT}").rename(directory / f"{following}{SIGNING}")
        _synced(directory)
        removed = _prune(directory, now, life_s)
        return Rotated(following, _publish(directory, following), True, removed)


def replace(directory: Path) -> Rotated:
    """Let a new key sign at once and take all others away: their tokens are worth nothing any more."""
    with _alone(directory):
        old = [*signing_kids(directory), *next_kids(directory)]
        current = new_key(directory)
        if signing_kids(directory)[-1] != current:
            (directory / f"{current}{SIGNING}").unlink()
            raise KeysError("a key is named as if it were made later than now: is the clock right?")
        for kid in old:
            _remove(directory, kid)
        return Rotated(current, _publish(directory, current), True, old)


def prune(directory: Path, now: datetime, life_s: int) -> list[str]:
    """Take keys away whose last token has expired; which. Raises `KeysError`."""
    with _alone(directory):
        return _prune(directory, now, life_s)


def roles(directory: Path, life_s: int) -> list[Key]:
    """Every key, the next first, then the one that signs, then those before it, newest first."""
    listed = [Key(kid, "next", made_at(kid)) for kid in next_kids(directory)]
    for back, kid in enumerate(reversed(signing_kids(directory))):
        retired = _retired(directory, kid) if back else None
        until = retired + timedelta(seconds=life_s) if retired is not None else None
        listed.append(Key(kid, "previous" if back else "current", made_at(kid), until))
    return listed


def _current(directory: Path) -> str:
    kids = signing_kids(directory)
    if not kids:
        raise KeysError(f"there is no signing key in {directory}: 'muster up' makes one")
    return kids[-1]


def _following(directory: Path, current: str) -> str | None:
    """The key that may sign after `current`: of two the newer. One that is older would not become the newest."""
    later = [kid for kid in next_kids(directory) if kid > current]
    return later[-1] if later else None


def _publish(directory: Path, current: str) -> str:
    kid = new_key(directory, NEXT)
    for other in next_kids(directory):
        if other != kid:
            (directory / f"{other}{NEXT}").unlink()
    if kid < current:
        raise KeysError(
            "the current key is named as if it were made later than now: is the clock right?"
        )
    return kid


def _prune(directory: Path, now: datetime, life_s: int) -> list[str]:
    removed = []
    for kid in signing_kids(directory)[:-1]:
        retired = _retired(directory, kid)
        if retired is None:
            # Put aside by hand, or by a release before: nobody knows since when.
            _retire(directory, kid, now)
        elif retired + timedelta(seconds=life_s) <= now:
            _remove(directory, kid)
            removed.append(kid)
    return removed


def _retire(directory: Path, kid: str, now: datetime) -> None:
    (directory / f"{kid}{RETIRED}").write_text(now.isoformat(), encoding="ascii")


def _retired(directory: Path, kid: str) -> datetime | None:
    try:
        said = datetime.fromisoformat((directory / f"{kid}{RETIRED}").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return said if said.tzinfo is not None else said.replace(tzinfo=UTC)


def _remove(directory: Path, kid: str) -> None:
    for kind in (SIGNING, NEXT, RETIRED):
        (directory / f"{kid}{kind}").unlink(missing_ok=True)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Two rotations at once would be one too many."""
    try:
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise KeysError(f"{directory} cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    except OSError as error:
        raise KeysError(f"{directory} cannot be written: {error.strerror}") from None
    finally:
        os.close(opened)


def _synced(directory: Path) -> None:
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
