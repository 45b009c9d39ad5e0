"""Several hubs over one roll, on a clock that jumps: what a watcher is told while devices move between them.

Each hub is realtime/rollcall.py with everything below it, over the roll of tests/fakes; its loops are stepped by hand,
in any order. Sockets break, and a hub notices late.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from random import Random

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from muster.acquaintance import Acquaintance
from muster.damping import GOODBYES_BELIEVED, LINGERS_GRACES
from muster.devices import GRACE_S, SETTLE_S, Devices, Here, Key
from muster.ids import PersonId, RoomId
from muster.presence import Attention, Profile
from muster.view import Change, View
from realtime.presence_counts import PresenceCounts
from realtime.rollcall import Outside, RollCall
from tests.fakes.roll import FakeRoll

ADA = Key(b"a" * 16, b"d" * 16)
HUBS = 4
STEP_S = 1.0


class Time:
    """Moved by hand; the roll's clock with it."""

    def __init__(self, roll: FakeRoll) -> None:
        self._roll = roll
        self._now = 1_000.0

    def monotonic(self) -> float:
        return self._now

    def now_ms(self) -> int:
        return self._roll.now_ms

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps here")

    def pass_(self, seconds: float) -> None:
        self._now += seconds
        self._roll.now_ms += int(seconds * 1000)


class Reader:
    """Everybody wants everything seen."""

    async def profiles(self, people: Collection[bytes]) -> Mapping[bytes, Profile]:
        return {person: Profile() for person in people}

    async def acquaintance(self, person: PersonId) -> Acquaintance:
        raise NotImplementedError

    async def mates(self, person: PersonId, others: Collection[bytes]) -> frozenset[bytes]:
        raise NotImplementedError

    async def roster(self, room: RoomId) -> frozenset[bytes] | None:
        raise NotImplementedError

    async def seen(self, people: Mapping[bytes, int]) -> None:
        """Nobody asks."""


class Hub:
    """One hub's part; somebody watches ada there."""

    def __init__(self, roll: FakeRoll, time: Time, seed: int) -> None:
        self.devices = Devices()
        view = View()
        outside = Outside(roll, Reader(), time, Random(seed))
        self.call = RollCall(outside, self.devices, view, PresenceCounts())
        self.call.wire(self._told)
        self.told: list[Attention | None] = []
        self._time = time
        self._heres: dict[int, Here] = {}
        view.watch(ADA.person)

    def _told(self, changes: Iterable[Change]) -> None:
        self.told += [change.after.attention for change in changes]

    def came(self, socket: object) -> None:
        here = self.devices.came(ADA, socket, self.call.stamp_ms(), self._time.monotonic())
        self._heres[id(here)] = here

    def gone(self, socket: object, *, clean: bool) -> None:
        self.devices.gone(ADA, socket, clean=clean, now=self._time.monotonic())

    def looked(self, socket: object, attention: Attention) -> None:
        self.devices.looked(ADA, socket, attention, None, self._time.monotonic())

    async def step(self, random: Random) -> None:
        """Every loop once, in any order."""
        for number, here in list(self._heres.items()):
            if self.devices.due(here, self._time.monotonic()) == float("inf"):
                self._heres.pop(number) if here not in here.party.devices else None
        loops = [
            self.call._keep,
            self.call._say,
            self.call._read,
            self.call._statements.read_profiles,
        ]
        random.shuffle(loops)
        for loop in loops:
            await loop()


class Sky:
    """The hubs, and one device that goes from one to another."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.roll = FakeRoll()
        self.time = Time(self.roll)
        self.hubs = [Hub(self.roll, self.time, seed + n) for n in range(HUBS)]
        self.socket: tuple[Hub, object] | None = None
        self._late: list[tuple[float, Hub, object]] = []

    async def pass_(self, seconds: float) -> None:
        """Time goes by; hubs do what they do, and notice what broke."""
        until = self.time.monotonic() + seconds
        while self.time.monotonic() < until:
            self.time.pass_(min(STEP_S, until - self.time.monotonic()))
            for late in [late for late in self._late if late[0] <= self.time.monotonic()]:
                self._late.remove(late)
                late[1].gone(late[2], clean=False)
            for hub in self.random.sample(self.hubs, HUBS):
                await hub.step(self.random)

    def come(self) -> Hub:
        """To any hub."""
        hub, socket = self.random.choice(self.hubs), object()
        hub.came(socket)
        self.socket = hub, socket
        return hub

    def break_(self, noticed_in_s: float = 0.0) -> None:
        assert self.socket is not None
        hub, socket = self.socket
        self._late.append((self.time.monotonic() + noticed_in_s, hub, socket))
        self.socket = None

    def goodbye(self) -> None:
        assert self.socket is not None
        hub, socket = self.socket
        hub.gone(socket, clean=True)
        self.socket = None

    def look(self, attention: Attention) -> None:
        assert self.socket is not None
        hub, socket = self.socket
        hub.looked(socket, attention)

    @property
    def told(self) -> list[list[Attention | None]]:
        """To the watchers of each hub."""
        return [hub.told for hub in self.hubs]


async def begun(seed: int, attention: Attention = Attention.active) -> Sky:
    """A device has come, and all hubs' watchers know."""
    sky = Sky(seed)
    await sky.pass_(2.0)
    sky.come()
    sky.look(attention)
    await sky.pass_(3 * SETTLE_S)
    assert all(told[-1:] == [attention] for told in sky.told)
    for hub in sky.hubs:
        hub.told.clear()
    return sky


flaps = st.lists(
    st.tuples(st.floats(0.05, 6.0), st.floats(0.0, GRACE_S - 3.0), st.floats(0.0, 40.0)),
    min_size=1,
    max_size=10,
)
"""Of each: how long the device stays, how long it is away, and how late its hub notices."""


@settings(deadline=None, max_examples=30, phases=[Phase.generate])
@given(st.integers(0, 2**32), flaps, st.sampled_from(list(Attention)), st.booleans())
def test_a_device_that_flaps_between_hubs_is_no_news(
    seed: int, absences: list[tuple[float, float, float]], attention: Attention, forgets: bool
) -> None:
    """However often it breaks off and is back within the grace time, on whatever hub, and though Redis forgets all.

    Neither that it goes, nor that a phone in a pocket would be looked at.
    """

    async def play() -> None:
        sky = await begun(seed, attention)
        lost_at = sky.random.randrange(len(absences)) if forgets else -1
        for number, (stays_s, away_s, noticed_in_s) in enumerate(absences):
            sky.break_(noticed_in_s)
            if number == lost_at:
                sky.roll.lose()
            await sky.pass_(away_s)
            sky.come()
            sky.look(attention)
            await sky.pass_(stays_s)
        await sky.pass_(GRACE_S + 45.0)
        told = sky.told
        if forgets and attention is not Attention.active:
            # How attentive a device was that is just coming back, Redis may be the only one to know.
            told = [[one for one in hub if one is None] for hub in told]
        assert told == [[]] * HUBS
        for hub in sky.hubs:
            hub.told.clear()
        sky.break_()
        await sky.pass_(GRACE_S + 3 * STEP_S)
        assert sky.told == [[None]] * HUBS, "and who stays away is gone"

    asyncio.run(play())


@settings(deadline=None, max_examples=8, phases=[Phase.generate])
@given(st.integers(0, 2**32), st.floats(0.5, 5.0), st.floats(0.5, 5.0))
def test_a_device_that_says_goodbye_on_one_hub_after_another_is_damped(
    seed: int, stays_s: float, away_s: float
) -> None:
    """A handful of changes at first, then none for as long as it goes on; and in the end it is out."""

    async def play() -> None:
        sky = await begun(seed)
        for _ in range(40):
            sky.goodbye()
            await sky.pass_(away_s)
            sky.come()
            await sky.pass_(stays_s)
        for told in sky.told:
            assert len(told) <= 2 * (GOODBYES_BELIEVED + 1), told
            assert told[-1:] == [Attention.active]
        sky.goodbye()
        await sky.pass_(LINGERS_GRACES * GRACE_S + 3 * STEP_S)
        assert all(told[-1] is None for told in sky.told)

    asyncio.run(play())


async def test_a_hub_that_hears_of_the_loss_by_being_refused_keeps_who_lingers() -> None:
    """It was fenced because Redis forgot it, not because others took its devices out."""
    sky = await begun(7)
    assert sky.socket is not None
    hub = sky.socket[0]
    sky.break_()
    await sky.pass_(1.0)
    sky.roll.lose()
    hub.devices.untold(ADA)
    await hub.call._say()  # refused
    await hub.call._read()  # and then it sees why
    await sky.pass_(5.0)
    sky.come()
    await sky.pass_(GRACE_S + 5.0)
    assert sky.told == [[]] * HUBS
