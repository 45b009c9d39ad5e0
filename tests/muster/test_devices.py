"""Grace, damping and idleness of the devices on one hub."""

from __future__ import annotations

from muster.damping import LINGERS_GRACES
from muster.devices import (
    GRACE_S,
    IDLE_AFTER_S,
    SETTLE_S,
    Devices,
    Here,
    Key,
)
from muster.presence import Attention, Device, Profile, packed

ADA, BOB = Key(b"ada", b"phone"), Key(b"bob", b"phone")
GENERATION = b"g"
NOW = 1_000.0
PLAIN = packed(Profile())


class Hub:
    """Devices, and what the roll was told of them."""

    def __init__(self) -> None:
        self.devices = Devices()
        self.believes = True
        self.told: dict[Key, Attention] = {}
        self.edges = 0

    def came(self, key: Key = ADA, now: float = NOW, socket: object = "one") -> Here:
        here = self.devices.came(key, socket, int(now * 1000), now)
        self.devices.profiled(key.person, PLAIN)
        self.tell()
        return here

    def tell(self) -> None:
        for key in self.devices.take(1_000):
            wanted = self.devices.wanted(key, GENERATION)
            if wanted.is_goodbye and not self.believes:
                self.devices.lingers(key)
                continue
            self.edges += (wanted.device is None) is (key in self.told)
            if wanted.device is None:
                self.devices.gone_for_good(key)
                self.told.pop(key, None)
            else:
                self.told[key] = wanted.device.attention

    def gone(self, now: float, *, clean: bool, socket: object = "one") -> Here | None:
        here = self.devices.gone(ADA, socket, clean=clean, now=now)
        self.tell()
        return here


def test_a_goodbye_is_believed_at_once_and_a_loss_after_the_grace_time() -> None:
    """1000 and 1001 mean it; a tunnel does not."""
    hub = Hub()
    hub.came()
    hub.gone(NOW + 1, clean=True)
    assert ADA not in hub.told
    here = hub.came(now=NOW + 2)
    assert hub.gone(NOW + 3, clean=False) is here
    assert hub.devices.due(here, NOW + 3 + GRACE_S - 0.1) == NOW + 3 + GRACE_S
    hub.tell()
    assert ADA in hub.told
    hub.devices.due(here, NOW + 3 + GRACE_S)
    hub.tell()
    assert ADA not in hub.told
    assert hub.devices.count == 0


def test_who_is_back_within_the_grace_time_was_never_away() -> None:
    """No edge, and the visit that was due then does nothing."""
    hub = Hub()
    here = hub.came()
    hub.gone(NOW + 1, clean=False)
    hub.came(now=NOW + 10, socket="two")
    assert hub.edges == 1
    assert hub.devices.due(here, NOW + 1 + GRACE_S) > NOW + 1 + GRACE_S
    hub.tell()
    assert hub.edges == 1


def test_an_older_socket_of_a_device_says_nothing_any_more() -> None:
    """It ends late, and takes nobody out."""
    hub = Hub()
    hub.came()
    hub.came(now=NOW + 1, socket="two")
    assert hub.gone(NOW + 2, clean=True) is None
    assert ADA in hub.told


def test_a_goodbye_that_is_not_believed_lingers_and_ends() -> None:
    """The roll has heard too many of them: the device stays for some grace times, and is out in the end."""
    hub = Hub()
    here = hub.came()
    hub.believes = False
    hub.gone(NOW + 1, clean=True)
    out_at = NOW + 1 + LINGERS_GRACES * GRACE_S
    assert hub.devices.due(here, out_at - 0.1) == out_at
    hub.devices.untold_all()
    hub.tell()
    assert ADA in hub.told, "also to a roll that has forgotten it"
    hub.devices.due(here, out_at)
    hub.tell()
    assert ADA not in hub.told


def test_who_comes_back_before_the_goodbye_was_answered_stays() -> None:
    """Goodbye and hello within a tenth of a second, whichever way the answer goes."""
    for believed in (True, False):
        hub = Hub()
        hub.came()
        hub.devices.gone(ADA, "one", clean=True, now=NOW + 1)
        assert hub.devices.wanted(ADA, GENERATION).is_goodbye
        assert hub.devices.take(1_000) == [ADA]
        hub.devices.came(ADA, "two", 1, NOW + 1.1)
        (hub.devices.gone_for_good if believed else hub.devices.lingers)(ADA)
        hub.tell()
        assert ADA in hub.told
        assert hub.devices.count == 1


def test_who_comes_back_is_as_they_were_until_their_client_says() -> None:
    """Or for two seconds: who says nothing is active."""
    hub = Hub()
    here = hub.came()
    wanted = hub.devices.wanted
    assert wanted(ADA, GENERATION).as_it_was
    hub.devices.looked(ADA, "one", Attention.background, None, NOW + 0.5)
    assert wanted(ADA, GENERATION).as_it_was, "what falls is told later"
    assert not hub.devices.is_dirty
    assert hub.devices.due(here, NOW + 0.5 + SETTLE_S) == float("inf")
    hub.tell()
    assert hub.told[ADA] is Attention.background
    hub.gone(NOW + 5, clean=False)
    here = hub.came(now=NOW + 6, socket="two")
    hub.devices.due(here, NOW + 6 + SETTLE_S)
    assert hub.devices.take(1) == [ADA], "it may not have been active before"
    assert not wanted(ADA, GENERATION).as_it_was
    hub.came(now=NOW + 10, socket="three")
    hub.devices.looked(ADA, "three", Attention.active, b"room", NOW + 10.1)
    assert wanted(ADA, GENERATION).device == Device(
        GENERATION, Attention.active, int((NOW + 10) * 1000), b"room"
    )
    assert not wanted(ADA, GENERATION).as_it_was


def test_attention_that_falls_and_rises_again_at_once_is_no_news() -> None:
    """Switching between two apps; what lasts is told."""
    hub = Hub()
    here = hub.came()
    devices = hub.devices
    devices.looked(ADA, "one", Attention.active, None, NOW)
    hub.tell()
    assert devices.looked(ADA, "one", Attention.background, None, NOW + 1) is here
    assert devices.due(here, NOW + 1.5) == NOW + 1 + SETTLE_S
    devices.looked(ADA, "one", Attention.active, None, NOW + 2)
    devices.due(here, NOW + 1 + SETTLE_S)
    assert not devices.is_dirty
    devices.looked(ADA, "one", Attention.background, None, NOW + 5)
    devices.due(here, NOW + 5 + SETTLE_S)
    hub.tell()
    assert hub.told[ADA] is Attention.background


def test_who_says_nothing_for_five_minutes_is_idle() -> None:
    """A page left open on a desk; any word of the client's begins the time anew."""
    hub = Hub()
    here = hub.came()
    hub.devices.looked(ADA, "one", Attention.active, None, NOW + 100)
    assert hub.devices.due(here, NOW + IDLE_AFTER_S) == NOW + 100 + IDLE_AFTER_S
    hub.devices.due(here, NOW + 100 + IDLE_AFTER_S)
    hub.tell()
    assert hub.told[ADA] is Attention.idle


def test_nobody_is_told_of_before_their_profile_is_known() -> None:
    """Somebody invisible would flash up."""
    devices = Devices()
    devices.came(ADA, "one", 1, NOW)
    assert devices.strangers(10) == [ADA.person]
    assert devices.take(10) == []
    devices.profiled(ADA.person, packed(Profile(3)))
    assert devices.take(10) == [ADA]
    devices.profiled(ADA.person, packed(Profile(2)))
    assert devices.profile(ADA.person) == packed(Profile(3)), "an older one changes nothing"
    assert not devices.is_dirty


def test_a_roll_that_has_forgotten_is_told_of_all_who_are_here_and_linger() -> None:
    """And of nobody else."""
    hub = Hub()
    hub.came()
    hub.came(BOB)
    hub.gone(NOW + 1, clean=False)
    hub.told.clear()
    hub.devices.untold_all()
    hub.tell()
    assert set(hub.told) == {ADA, BOB}


def test_a_device_that_came_to_another_hub_is_forgotten_here() -> None:
    """What this hub would say of it is old."""
    hub = Hub()
    here = hub.came()
    hub.devices.superseded(ADA)
    assert hub.devices.count == 0
    assert not hub.devices.is_dirty
    assert hub.devices.due(here, NOW + 100) == float("inf")


def test_who_lingers_on_a_hub_that_slept_does_not_come_in_again() -> None:
    """Others took them out long ago; who has a socket still is said again."""
    hub = Hub()
    hub.came()
    hub.came(BOB)
    hub.gone(NOW + 1, clean=False)
    hub.devices.drop_lingering()
    hub.devices.untold_all()
    hub.tell()
    assert set(hub.told) == {BOB}
