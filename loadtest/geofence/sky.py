"""What a phone makes of where it is: fixes with noise, by surroundings.

    recorded  a trace as it is; the accuracy is made up from how far each fix is from the median path, with noise
    steady    open sky: a few metres, drifting slowly
    canyon    between high buildings: drift of 10 m that holds for most of a minute, at times of 25 m; told honestly
    jumps     open sky, but a fix in thirty is 150 to 250 m off and claims 1.7 m; one in ten of those comes twice
    sparse    in the background: a fix a minute, half of them by Wi-Fi; in batches, late, some out of order
    tunnel    open sky with minutes of silence

Accuracy is as phones say it: the radius within which 68 % are, 1.5 deviations of one axis. Owns these models. Pure: the
random numbers are passed in. Must never know a fence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import cos, exp, hypot, sin, sqrt, tau
from random import Random
from typing import Final

from loadtest.geofence.path import Path
from loadtest.geofence.trace import Spot
from loadtest.geofence.truth import Heard

EVERY_S: Final = 5.0
SIGMAS: Final = 1.5
OVER_CONFIDENT_M: Final = 1.7

Sky = Callable[[Path, Random], list[Heard]]
"""A path to fixes, in order of arrival."""


def recorded(spots: Sequence[Spot], path: Path, random: Random) -> list[Heard]:
    """Each fix is where it was recorded."""
    heard = []
    for spot in spots:
        middle = path.at(spot.at_s) or spot
        off_m = hypot(spot.x - middle.x, spot.y - middle.y)
        usual_m = 8.0 * random.lognormvariate(0, 0.35)
        accuracy_m = hypot(usual_m, off_m * random.lognormvariate(0, 0.3))
        heard.append(_sent(spot, accuracy_m, random))
    return heard


def steady(path: Path, random: Random) -> list[Heard]:
    """Open sky."""
    drift = _Drift(random, holds_s=60.0)
    heard = []
    for spot in _every(path, random, EVERY_S):
        dx, dy = drift.after(spot.at_s, 3.0)
        noisy = Spot(spot.at_s, spot.x + dx + random.gauss(0, 2), spot.y + dy + random.gauss(0, 2))
        heard.append(_sent(noisy, _claimed(sqrt(13), random), random))
    return heard


def canyon(path: Path, random: Random) -> list[Heard]:
    """Between high buildings."""
    drift = _Drift(random, holds_s=45.0)
    bad_from_s, bad_until_s = _spell(path.begins_s, random, 180, (20, 60))
    heard = []
    for spot in _every(path, random, EVERY_S):
        if spot.at_s > bad_until_s:
            bad_from_s, bad_until_s = _spell(spot.at_s, random, 180, (20, 60))
        sigma_m = 25.0 if spot.at_s >= bad_from_s else 10.0
        dx, dy = drift.after(spot.at_s, sigma_m)
        noisy = Spot(spot.at_s, spot.x + dx + random.gauss(0, 3), spot.y + dy + random.gauss(0, 3))
        heard.append(_sent(noisy, _claimed(hypot(sigma_m, 3), random), random))
    return heard


def jumps(path: Path, random: Random) -> list[Heard]:
    """Wrong and sure of it."""
    heard: list[Heard] = []
    away: tuple[float, float] | None = None
    is_rest = 0
    for fix in steady(path, random):
        if away is None and is_rest == 0 and random.random() < 1 / 30:
            far_m, angle = random.uniform(150, 250), random.uniform(0, tau)
            away = far_m * cos(angle), far_m * sin(angle)
        is_rest = max(0, is_rest - 1)
        if away is not None:
            dx, dy = away
            heard.append(fix._replace(x=fix.x + dx, y=fix.y + dy, accuracy_m=OVER_CONFIDENT_M))
            away = away if random.random() < 0.1 and is_rest == 0 else None
            is_rest = 3
        else:
            heard.append(fix)
    return heard


def sparse(path: Path, random: Random) -> list[Heard]:
    """In the background."""
    drift = _Drift(random, holds_s=20.0)
    made = []
    for spot in _every(path, random, 60.0, share=0.4):
        sigma_m = random.uniform(8, 20) if random.random() < 0.5 else random.uniform(25, 60)
        dx, dy = drift.after(spot.at_s, sigma_m)
        noisy = Spot(spot.at_s, spot.x + dx, spot.y + dy)
        made.append(_sent(noisy, _claimed(sigma_m, random), random))
    heard: list[Heard] = []
    while made:
        size = random.randint(1, 5)
        batch, made = made[:size], made[size:]
        if made and random.random() < 0.1:
            batch.append(made.pop(0))
            made.insert(0, batch.pop(random.randrange(len(batch))))
        there_s = max(fix.at_s for fix in batch) + random.uniform(1, 60)
        if heard:
            there_s = max(there_s, heard[-1].arrives_s + 0.1)
        if random.random() < 0.3:
            random.shuffle(batch)
        heard += [fix._replace(arrives_s=there_s) for fix in batch]
    return heard


def tunnel(path: Path, random: Random) -> list[Heard]:
    """Now and then nothing is heard."""
    from_s, until_s = _spell(path.begins_s, random, 180, (60, 480))
    heard = []
    for fix in steady(path, random):
        if fix.at_s > until_s:
            from_s, until_s = _spell(fix.at_s, random, 180, (60, 480))
        if fix.at_s < from_s:
            heard.append(fix)
    return heard


class _Drift:
    """An error that holds on: Gauss and Markov's, each axis by itself."""

    def __init__(self, random: Random, holds_s: float) -> None:
        self._random = random
        self._holds_s = holds_s
        self._at_s: float | None = None
        self._x = self._y = 0.0

    def after(self, at_s: float, sigma_m: float) -> tuple[float, float]:
        """The error then, where its deviation is now so much per axis."""
        kept = exp(-(at_s - self._at_s) / self._holds_s) if self._at_s is not None else 0.0
        fresh = sqrt(1 - kept * kept)
        self._x = kept * self._x + self._random.gauss(0, fresh)
        self._y = kept * self._y + self._random.gauss(0, fresh)
        self._at_s = at_s
        return sigma_m * self._x, sigma_m * self._y


def _every(path: Path, random: Random, every_s: float, share: float = 0.1) -> Iterator[Spot]:
    """Where the path is about every so often."""
    at_s = path.begins_s + random.uniform(0, every_s)
    while at_s < path.ends_s:
        spot = path.at(at_s)
        if spot is not None:
            yield spot
        at_s += every_s * random.uniform(1 - share, 1 + share)


def _claimed(sigma_m: float, random: Random) -> float:
    return max(3.0, SIGMAS * sigma_m * random.lognormvariate(0, 0.2))


def _sent(spot: Spot, accuracy_m: float, random: Random) -> Heard:
    return Heard(spot.at_s, spot.at_s + random.uniform(0.1, 0.6), spot.x, spot.y, accuracy_m)


def _spell(
    after_s: float, random: Random, apart_s: float, long_s: tuple[float, float]
) -> tuple[float, float]:
    """The next spell: from and until; they come about so far apart."""
    from_s = after_s + random.expovariate(1 / apart_s)
    return from_s, from_s + random.uniform(*long_s)
