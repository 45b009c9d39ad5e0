"""Which keys may speak on one connection."""

from typing import NamedTuple

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from loadtest.mocks.credentials import ApnsKey, Apple, World
from loadtest.mocks.provider_token import Provider, ProviderTokens
from muster.clock import SystemClock


class _Key(NamedTuple):
    kid: str
    team: str
    world: World | None
    private: ec.EllipticCurvePrivateKey

    def bearer(self, issued_s: int) -> str:
        claims = {"iss": self.team, "iat": issued_s}
        headers = {"kid": self.kid}
        return "bearer " + jwt.encode(claims, self.private, algorithm="ES256", headers=headers)


def _key(kid: str, team: str, world: World | None = None) -> _Key:
    return _Key(kid, team, world, ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (_key("SECOND0001", "TEAM000001"), "TooManyProviderTokenUpdates"),
        (_key("OTHER00001", "TEAM000002"), "UnrelatedKeyIdInToken"),
        (_key("BOXED00001", "TEAM000001", "sandbox"), "BadEnvironmentKeyIdInToken"),
    ],
)
def test_a_second_key_on_a_connection_is_refused(second: _Key, reason: str) -> None:
    """One of the same team counts as a change; one of another team is unrelated; one of the other world is no use."""
    first = _key("FIRST00001", "TEAM000001")
    keys = {
        one.kid: ApnsKey(one.team, one.private.public_key(), one.world) for one in (first, second)
    }
    clock = SystemClock()
    now_s = clock.now_ms() // 1_000
    provider = Provider(ProviderTokens(Apple(keys, frozenset())), "production", clock)
    assert provider.check(first.bearer(now_s)) == ""
    assert provider.check(second.bearer(now_s)) == reason
