"""The ring of a running process: rotations reach it without a restart, and nothing breaks it."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from muster import ring as rings
from muster.clock import SystemClock
from muster.errors import Refused
from muster.ids import DeviceId, PersonId, SessionId, SystemRandom
from muster.keys import ensure_key, next_kids
from muster.permission import ServiceRole
from muster.ring import ASKED_S, LiveRing
from muster.rotation import PUBLISHED_S, replace, rotate
from muster.stores.depots.signing import Policy, Signer
from muster.tokens import Tokens, jwks
from tests.pushers.asking import until

WHO = (PersonId(uuid4()), SessionId(uuid4()), DeviceId(uuid4()), ServiceRole.user)
LATER = datetime.now(UTC) + timedelta(seconds=PUBLISHED_S + 3_600)


class Clock(SystemClock):
    """Stands still until it is moved."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return self.ahead_s


def _tokens(ring: LiveRing) -> Tokens:
    return Tokens(ring, "muster", "muster", 900, SystemClock(), SystemRandom())


async def _followed(ring: LiveRing, kid: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(ring.run())
        await until(lambda: ring.current_kid == kid)
        following.cancel()


async def test_a_rotation_reaches_processes_one_after_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has not looked yet believes what the new key signs, and whoever has what the old one did."""
    monkeypatch.setattr(rings, "LOOK_S", 0.01)
    first = ensure_key(tmp_path)
    slow, quick = LiveRing(tmp_path, Clock()), LiveRing(tmp_path, Clock())
    old = _tokens(slow).issue(*WHO)
    done = rotate(tmp_path, LATER, 3_600)
    await _followed(quick, done.current)
    new = _tokens(quick).issue(*WHO)
    assert slow.current_kid == first
    assert _tokens(slow).verify(new).person == _tokens(quick).verify(old).person == WHO[0]
    published = {key["kid"] for key in jwks(quick)["keys"]}
    assert published == {first, done.current, done.next}


async def test_an_unknown_kid_is_looked_for_at_once_and_not_too_often(tmp_path: Path) -> None:
    """Where keys were changed in a hurry, tokens of the new one are good the moment they are shown."""
    ensure_key(tmp_path)
    clock = Clock()
    ring = LiveRing(tmp_path, clock)
    tokens = _tokens(ring)
    stolen = tokens.issue(*WHO)
    tokens.verify(stolen)
    replace(tmp_path)
    fresh = _tokens(LiveRing(tmp_path, Clock())).issue(*WHO)
    assert ring.public("made up") is None
    replace(tmp_path)
    fresh = _tokens(LiveRing(tmp_path, Clock())).issue(*WHO)
    with pytest.raises(Refused):
        tokens.verify(fresh)
    clock.ahead_s += ASKED_S
    assert tokens.verify(fresh).person == WHO[0]
    with pytest.raises(Refused):
        tokens.verify(stolen)  # although it was remembered


async def test_files_that_cannot_be_used_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory that is half copied, or gone for a moment, does not stop anybody; the next whole one is taken."""
    monkeypatch.setattr(rings, "LOOK_S", 0.01)
    first = ensure_key(tmp_path)
    ring = LiveRing(tmp_path, Clock())
    [following] = next_kids(tmp_path)
    whole = (tmp_path / f"{following}.next").read_bytes()
    broken = tmp_path / "99990101T000000Z-00000000.pem"
    broken.write_bytes(b"half a k")
    assert ring.public("nobody") is None
    assert (ring.current_kid, set(ring.publics)) == (first, {first, following})
    broken.write_bytes(whole)
    await _followed(ring, broken.stem)


async def test_addresses_outlive_a_rotation(tmp_path: Path) -> None:
    """What one process signed before it, or after it, another believes on either side of it."""
    ensure_key(tmp_path)
    slow = LiveRing(tmp_path, Clock())
    policy = Policy("quarantine/" + "a" * 64, "image/png", 10, 2**53)
    before = _signer(slow).fields(policy)
    rotate(tmp_path, LATER, 3_600)
    quick = LiveRing(tmp_path, Clock())
    after = _signer(quick).fields(policy)
    assert before["signature"] != after["signature"]
    for signer in (_signer(slow), _signer(quick)):
        for fields in (before, after):
            assert signer._fits(b"muster-upload\n", fields["policy"], fields["signature"])


def _signer(ring: LiveRing) -> Signer:
    return Signer(lambda: ring.secrets("media addresses"))
