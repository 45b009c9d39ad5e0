"""Apple's provider tokens: signature, age, and how often a connection may have a new one.

Owns these rules. A token that was verified once is known again by its text, so that a connection costs one signature an
hour. Must never know headers or pushes.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

import jwt

from loadtest.mocks.credentials import Apple, World
from muster.clock import Clock

LIFE_S: Final = 3_600
CHANGE_EVERY_S: Final = 20 * 60
_EARLY_S: Final = 60
"""A clock may be ahead of Apple's by so much."""

_KNOWN_MOST: Final = 64
_LONGEST: Final = 4_096


class Claims(NamedTuple):
    """What a verified token says."""

    kid: str
    team: str
    issued_s: int
    world: World | None


class ProviderTokens:
    """Verifies."""

    def __init__(self, apple: Apple) -> None:
        self._apple = apple
        self._known: OrderedDict[str, Claims] = OrderedDict()

    def read(self, token: str) -> Claims | None:
        """None where it is no token that a key of ours signed for its own team."""
        if len(token) > _LONGEST:
            return None
        known = self._known.get(token)
        if known is None:
            known = self._verified(token)
            if known is not None:
                self._known[token] = known
                if len(self._known) > _KNOWN_MOST:
                    self._known.popitem(last=False)
        return known

    def _verified(self, token: str) -> Claims | None:
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = self._apple.keys.get(kid) if isinstance(kid, str) else None
            if key is None or kid is None:
                return None
            # Its age is asked at every use, in Apple's own words: see `Provider`.
            said = jwt.decode(
                token,
                key.public,
                algorithms=["ES256"],
                options={
                    "require": ["iss", "iat"],
                    "verify_iat": False,
                    "verify_exp": False,
                    "verify_aud": False,
                },
            )
        except jwt.PyJWTError:
            return None
        issued = said["iat"]
        if said["iss"] != key.team or not isinstance(issued, int | float):
            return None
        return Claims(kid, key.team, int(issued), key.world)


class Provider:
    """Who speaks on one connection."""

    def __init__(self, tokens: ProviderTokens, world: World, clock: Clock) -> None:
        self._tokens = tokens
        self._world = world
        self._clock = clock
        self._text = ""
        self._team = ""
        self._since_s = 0.0
        self._spoiled = False
        self.trusted = False

    def check(self, authorization: str | None) -> str:
        """'' or the reason for refusing. Too many changes spoil the connection until the last is old enough."""
        if authorization is None:
            return "MissingProviderToken"
        scheme, _, text = authorization.partition(" ")
        claims = self._tokens.read(text.strip()) if scheme.lower() == "bearer" else None
        if claims is None:
            return "InvalidProviderToken"
        age_s = self._clock.now_ms() / 1_000 - claims.issued_s
        if age_s > LIFE_S:
            return "ExpiredProviderToken"
        if age_s < -_EARLY_S:
            return "InvalidProviderToken"
        if claims.world is not None and claims.world != self._world:
            return "BadEnvironmentKeyIdInToken"
        if self._team and claims.team != self._team:
            return "UnrelatedKeyIdInToken"
        return self._changed(text, claims)

    def _changed(self, text: str, claims: Claims) -> str:
        now_s = self._clock.monotonic()
        early = bool(self._text) and now_s - self._since_s < CHANGE_EVERY_S
        if early and (self._spoiled or text != self._text):
            self._spoiled = True
            return "TooManyProviderTokenUpdates"
        self._spoiled = False
        if text != self._text:
            self._text, self._team, self._since_s = text, claims.team, now_s
        self.trusted = True
        return ""
