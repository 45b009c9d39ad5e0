"""The devices whose sockets one hub holds: what the roll is to be told of them, and when.

    came, looked, gone, due -> what this hub wants the roll to say -> dirty devices -> the roll (muster/roll.py)

A socket that is lost keeps its device in for the grace time; one that said goodbye takes it out at once, if the roll
believes it (muster/damping.py). A device that comes back is as it was until its client has said how it is, so that who
reconnects with the app put away does not flash up. What the roll is told is a state, not a history: whatever happened
between two tellings, only the last of it counts.

Owns grace and idleness. Pure: monotonic seconds and Redis' milliseconds are passed in. Must never talk to
anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final, NamedTuple

from muster.damping import LINGERS_GRACES
from muster.presence import Attention, Device

GRACE_S: Final = 15.0
"""A device that is back within this was never away."""

IDLE_AFTER_S: Final = 300.0
"""Who has not said for so long that they are active is idle."""

SETTLE_S: Final = 2.0
"""Attention that falls is told so much later: switching between two apps is no news."""


class Key(NamedTuple):
    """One device of one person, bytes of both ids: a device id that two people share is two devices."""

    person: bytes
    device: bytes


class Wanted(NamedTuple):
    """What the roll is to be told of a device: see `muster.roll.Say`."""

    device: Device | None
    profile: bytes = b""
    is_goodbye: bool = False
    as_it_was: bool = False


OUT: Final = Wanted(None)
GOODBYE: Final = Wanted(None, is_goodbye=True)


class Here:
    """One device here.

    `socket`: a token of its newest socket; None while it lingers. `is_leaving`: it said goodbye, and the roll has not
    answered. `is_new`: its client has not said yet how it is; until then it is as the roll knows it.
    """

    __slots__ = (
        "attention",
        "device",
        "heard_at",
        "is_leaving",
        "is_new",
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
        self.is_leaving = False
        self.is_new = True
        self.stamp_ms = 0
        self.attention = Attention.active
        self.told = Attention.active
        self.room: bytes | None = None
        self.heard_at = 0.0
        # When it is out for good (without a socket), or when how it is has settled; infinity: neither.
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
        here.room, here.next_at = None, now + SETTLE_S
        here.is_new, here.is_leaving = True, False
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
            here.next_at = now + SETTLE_S if here.is_new else min(here.next_at, now + SETTLE_S)
        else:
            self._settled(here)
        if room != here.room:
            here.room = room
            self._dirty[key] = None
        return here

    def gone(self, key: Key, socket: object, *, clean: bool, now: float) -> Here | None:
        """A socket has gone; `clean`: it said goodbye. None if another one of its device counts.

        Who says goodbye lingers too, until the roll has believed it: `gone_for_good`.
        """
        here = self._here(key)
        if here is None or here.socket is not socket:
            return None
        here.socket = None
        here.next_at = now + self._grace_s * (LINGERS_GRACES if clean else 1)
        if clean:
            here.is_leaving = True
            self._dirty[key] = None
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
            self._settled(here)
        if here.attention is not Attention.active:
            return here.next_at
        idle_at = here.heard_at + IDLE_AFTER_S
        if now < idle_at:
            return min(idle_at, here.next_at)
        here.attention, here.room = Attention.idle, None
        self._settled(here)
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

    def wanted(self, key: Key, generation: bytes) -> Wanted:
        """What the roll shall say of a device."""
        here = self._here(key)
        if here is None:
            return OUT
        if here.is_leaving:
            return GOODBYE
        device = Device(generation, here.told, here.stamp_ms, here.room)
        return Wanted(device, here.party.profile or b"", as_it_was=here.is_new)

    def gone_for_good(self, key: Key) -> None:
        """The roll has believed a goodbye. Who has come back meanwhile, has."""
        here = self._here(key)
        if here is not None and here.is_leaving:
            self._remove(here)

    def lingers(self, key: Key) -> None:
        """The roll has not believed a goodbye: the device stays in for a while."""
        here = self._here(key)
        if here is not None:
            here.is_leaving = False

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

    def _settled(self, here: Here) -> None:
        """It is as its client says from now on."""
        here.next_at = inf
        if here.told is not here.attention or here.is_new:
            here.told, here.is_new = here.attention, False
            self._dirty[Key(here.party.person, here.device)] = None

    def _out(self, here: Here) -> None:
        self._remove(here)
        self._dirty[Key(here.party.person, here.device)] = None

    def _remove(self, here: Here) -> None:
        party = here.party
        party.devices.remove(here)
        self.count -= 1
        if not party.devices:
            del self._parties[party.person]
            self._strangers.pop(party.person, None)
