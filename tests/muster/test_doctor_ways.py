"""Each check of `muster doctor` about TLS and origins made to fail once, on settings made up for it."""

from typing import Any

import pytest

from muster.config import Settings
from muster.doctor import Verdict
from muster.doctor_ways import EXPIRES_SOON_S, CertificateFile, of_ways

FRESH = CertificateFile("", EXPIRES_SOON_S * 3)


def _bad(file: CertificateFile | None = None, **settings: Any) -> dict[str, Verdict]:
    found = list(of_ways(Settings(**settings), file))
    assert all(f.advice for f in found if f.verdict is not Verdict.ok), "bad news without advice"
    return {f.what: f.verdict for f in found if f.verdict is not Verdict.ok}


def test_the_certificate_of_the_doors() -> None:
    """Unusable, about to expire, or below 1.3."""
    assert _bad() == _bad(FRESH) == {}
    name = "TLS of the doors"
    assert _bad(CertificateFile("gone", 0.0)) == {name: Verdict.fail}
    assert _bad(CertificateFile("", EXPIRES_SOON_S - 1)) == {name: Verdict.warn}
    assert _bad(FRESH, tls_min="1.2") == {name: Verdict.warn}


def test_every_origin_is_too_many() -> None:
    """Some are fine."""
    assert _bad(allowed_origins=("https://a.example",)) == {}
    assert _bad(allowed_origins=("https://a.example", "*")) == {"origins": Verdict.warn}


@pytest.mark.parametrize(
    ("url", "verified"),
    [
        ("postgresql://u:p@127.0.0.1:5432/d", True),
        ("postgresql://u@localhost/d?sslmode=disable", True),
        ("postgresql:///d?host=/run/postgresql", True),
        ("postgresql://u@db.example/d?sslmode=verify-full&sslrootcert=ca.pem", True),
        ("postgresql://u@db.example/d", False),
        ("postgresql://u@db.example/d?sslmode=require", False),
        ("postgresql://u@db.example/d?sslmode=verify-ca", False),
        ("postgresql:///d?host=db.example", False),
    ],
)
def test_the_way_to_postgres_is_verified_unless_it_is_short(url: str, verified: bool) -> None:
    """Both to the primary and to the replica."""
    assert _bad(database_url=url) == ({} if verified else {"way to Postgres": Verdict.warn})
    found = _bad(database_replica_url=url)
    assert found == ({} if verified else {"way to the replica": Verdict.warn})


@pytest.mark.parametrize(
    ("url", "verified"),
    [
        ("redis://127.0.0.1:6379/0", True),
        ("redis://[::1]:6379/0", True),
        ("unix:///run/redis.sock", True),
        ("rediss://r.example:6379/0?ssl_ca_certs=ca.pem", True),
        ("redis://r.example:6379/0", False),
        ("rediss://r.example:6379/0?ssl_cert_reqs=none", False),
        ("rediss://r.example:6379/0?ssl_check_hostname=False", False),
    ],
)
def test_the_way_to_redis_is_verified_unless_it_is_short(url: str, verified: bool) -> None:
    """As redis-py reads such a URL."""
    assert _bad(redis_url=url) == ({} if verified else {"way to Redis": Verdict.warn})
