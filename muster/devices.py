"""The devices whose sockets one hub holds: what the roll is to be told of them, and when.

    came, looked, gone, due -> what this hub wants the roll to say -> dirty devices -> the roll (muster/roll.py)

A socket that is lost keeps its device in for the grace time; one that said goodbye takes it out at once, unless its
person has been coming and going so often that nobody could believe it. What the roll is told is a state, not a
history: whatever happened between two tellings, only the last of it counts.

Owns grace, damping and idleness. Pure: monotonic seconds and Redis' milliseconds are passed in. Must never talk to
anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final, NamedTuple

from muster.presence import Attention, Device

GRACE_S: Final = 15.0
"""A device that is back within this was never away."""

IDLE_AFTER_S: Final = 300.0
"""Who has not said for so long that they are active is idle."""

SETTLE_S: Final = 2.0
"""Attention that falls is told so much later: switching between two apps is no news."""

FLAPS_BELIEVED: Final = 3
"""So many goodbyes in a row are believed at once; after that a device lingers like one that was lost, and longer."""

FLAP_HALVES_S: Final = 60.0
"""So long it takes until half of somebody's goodbyes are forgotten."""

GRACE_MOST_S: Final = 60.0
_FLAPS_KEPT: Final = 50_000


class Key(NamedTuple):
    """One device of one person, bytes of both ids: a device id that two people share is two devices."""

    person: bytes
    device: bytes


class Here:
    """One device here. `socket`: a token of its newest socket; None while it lingers."""

    __slots__ = (
        "attention",
        "device",
        "heard_at",
        "next_at",
        "party",
        "room",
        "socket",
        "stamp_ms",
        "told",
        "wheel_tick",
    )

    def __init__(self, party: Party, device: bytes) -> None:
        self.party = party
        self.device = device
        self.socket: object | None = None
        self.stamp_ms = 0
        self.attention = Attention.active
        self.told = Attention.active
        self.room: bytes | None = None
        self.heard_at = 0.0
        # When it is out for good (without a socket), or when its attention has settled; infinity: neither.
        self.next_at = inf
        self.wheel_tick = -1

    def due(self, now: float) -> float:
        """The wheel's visit; see `Devices.due`."""
        return self.party.owner.due(self, now)


class Party:
    """Everything one person has here. `profile` as it travels; None while it is not known."""

    __slots__ = ("devices", "owner", "person", "profile")

    def __init__(self, person: bytes, owner: Devices) -> None:
        self.person = person
        self.owner = owner
        self.profile: bytes | None = None
        self.devices: list[Here] = []


class Devices:
    """All devices of one hub. `due` is for a timing wheel: nothing here has a timer."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._parties: dict[bytes, Party] = {}
        self._dirty: dict[Key, None] = {}
        self._strangers: dict[bytes, None] = {}
        self._flaps: dict[bytes, tuple[float, float]] = {}
        self.count = 0

    # What happens

    def came(self, key: Key, socket: object, stamp_ms: int, now: float) -> Here:
        """A socket of this device was let in; an older one of it no longer counts."""
        party = self._parties.get(key.person)
        if party is None:
            party = self._parties[key.person] = Party(key.person, self)
            self._strangers[key.person] = None
        here = self._here(key)
        if here is None:
            here = Here(party, key.device)
            party.devices.append(here)
            self.count += 1
        here.socket, here.stamp_ms, here.heard_at = socket, stamp_ms, now
        here.attention = here.told = Attention.active
        here.room, here.next_at = None, inf
        self._dirty[key] = None
        return here

    def looked(
        self, key: Key, socket: object, attention: Attention, room: bytes | None, now: float
    ) -> Here | None:
        """The client says how much of somebody is there. None if that socket does not count."""
        here = self._here(key)
        if here is None or here.socket is not socket:
            return None
        here.heard_at = now
        here.attention = attention
        room = room if attention is Attention.active else None
        if attention is not Attention.active and here.told is Attention.active:
            here.next_at = min(here.next_at, now + SETTLE_S)
        else:
            here.next_at = inf
            self._tell(here)
        if room != here.room:
            here.room = room
            self._dirty[key] = None
        return here

    def gone(self, key: Key, socket: object, *, clean: bool, now: float) -> Here | None:
        """A socket has gone; `clean`: it said goodbye. None if another one of its device counts."""
        here = self._here(key)
        if here is None or here.socket is not socket:
            return None
        here.socket = None
        goodbyes = self._flapped(key.person, now) if clean else 0.0
        grace_s = 0.0 if clean else self._grace_s
        if goodbyes > FLAPS_BELIEVED:
            grace_s = min(self._grace_s * (goodbyes - FLAPS_BELIEVED + 1.0), GRACE_MOST_S)
        here.next_at = now + grace_s
        if clean and not grace_s:
            self._out(here)
        return here

    def due(self, here: Here, now: float) -> float:
        """Do what is due for this device; when to look again, infinity for never."""
        if here not in here.party.devices:
            return inf
        if here.socket is None:
            if now >= here.next_at:
                self._out(here)
                return inf
            return here.next_at
        if now >= here.next_at:
            here.next_at = inf
            self._tell(here)
        if here.attention is not Attention.active:
            return here.next_at
        idle_at = here.heard_at + IDLE_AFTER_S
        if now < idle_at:
            return min(idle_at, here.next_at)
        here.attention, here.room, here.next_at = Attention.idle, None, inf
        self._tell(here)
        return inf

    # Profiles

    def strangers(self, most: int) -> list[bytes]:
        """People here whose profile nobody has read yet; each is given once."""
        some = list(self._strangers)[:most]
        for person in some:
            del self._strangers[person]
        return some

    @property
    def has_strangers(self) -> bool:
        return bool(self._strangers)

    def read_again(self, people: Iterable[bytes]) -> None:
        """These profiles are to be read (again); what is known goes on until then."""
        self._strangers.update((p, None) for p in people if p in self._parties)

    def read_all_again(self) -> None:
        """Every profile may have changed unseen."""
        self._strangers.update(dict.fromkeys(self._parties))

    def profiled(self, person: bytes, profile: bytes) -> None:
        """A profile was read. An older one than is known is passed over."""
        party = self._parties.get(person)
        if party is None or (party.profile is not None and party.profile >= profile):
            return
        party.profile = profile
        for here in party.devices:
            self._dirty[Key(person, here.device)] = None

    def profile(self, person: bytes) -> bytes | None:
        """The profile of somebody here, if it is known."""
        party = self._parties.get(person)
        return None if party is None else party.profile

    # What the roll is to be told

    @property
    def is_dirty(self) -> bool:
        """Whether there is something the roll does not know."""
        return bool(self._dirty)

    def take(self, most: int) -> list[Key]:
        """Up to `most` devices of which the roll is to be told now; they count as told.

        Whose profile is not known waits for it: nobody invisible shall flash up.
        """
        taken = [key for key, _ in zip(self._dirty, range(most), strict=False)]
        for key in taken:
            del self._dirty[key]
        return [key for key in taken if self._may_be_told(key)]

    def _may_be_told(self, key: Key) -> bool:
        here = self._here(key)
        return here is None or here.party.profile is not None

    def untold(self, key: Key) -> None:
        """The roll may not have heard of it."""
        self._dirty[key] = None

    def untold_all(self) -> None:
        """The roll knows nothing of us: everything is to be said again."""
        for party in self._parties.values():
            for here in party.devices:
                self._dirty[Key(party.person, here.device)] = None

    def drop_lingering(self) -> None:
        """Others have taken our devices out while we slept: those without a socket are not to come in again."""
        for party in list(self._parties.values()):
            for here in [here for here in party.devices if here.socket is None]:
                self._out(here)

    def wanted(self, key: Key, generation: bytes) -> Device | None:
        """What the roll shall say of a device; None: that it is out."""
        here = self._here(key)
        if here is None:
            return None
        return Device(generation, here.told, here.stamp_ms, here.room)

    def superseded(self, key: Key) -> None:
        """The device came to another hub since: this one says no more of it."""
        here = self._here(key)
        if here is not None:
            self._out(here)
        self._dirty.pop(key, None)

    # One device

    def _here(self, key: Key) -> Here | None:
        party = self._parties.get(key.person)
        if party is not None:
            for here in party.devices:
                if here.device == key.device:
                    return here
        return None

    def _tell(self, here: Here) -> None:
        if here.told is not here.attention:
            here.told = here.attention
            self._dirty[Key(here.party.person, here.device)] = None

    def _out(self, here: Here) -> None:
        party = here.party
        party.devices.remove(here)
        self.count -= 1
        self._dirty[Key(party.person, here.device)] = None
        if not party.devices:
            del self._parties[party.person]
            self._strangers.pop(party.person, None)

    def _flapped(self, person: bytes, now: float) -> float:
        """How often this person has said goodbye lately, this time included."""
        before, at = self._flaps.pop(person, (0.0, now))
        count: float = before * 0.5 ** ((now - at) / FLAP_HALVES_S) + 1.0
        self._flaps[person] = (count, now)
        if len(self._flaps) > _FLAPS_KEPT:
            del self._flaps[next(iter(self._flaps))]
        return count
