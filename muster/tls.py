"""TLS that hubs and api end themselves: one context for the life of a process, whose certificate may change.

    looked at     every LOOK_S, and at once on SIGHUP
    changed       taken, if chain and key fit: who connects from then on gets it, sockets that are open know nothing
    spoilt        the old one stays in use; said so, counted, and tried again

Owns that context. Must never close a socket, and never serve below the version it was told.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from cryptography import x509
from prometheus_client import CollectorRegistry, Counter, Gauge

from muster import lifetime
from muster.config import Settings
from muster.setting import SettingsError
from muster.telemetry import get_logger

LOOK_S: Final = 10.0
_LEAST: Final = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_log = get_logger()


class TlsMetrics:
    """What is measured of it; all is 0 where TLS ends elsewhere."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.reloads = Counter(
            "muster_tls_reloads",
            "Certificates that lay there anew, by whether they were taken or refused",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("taken", "refused"):
            self.reloads.labels(outcome)
        self.expires_s = Gauge(
            "muster_tls_certificate_expires_seconds",
            "When the certificate in use expires, Unix time; 0: TLS ends elsewhere",
            registry=registry,
        )


class Certificate:
    """A certificate chain and its key, in files that somebody renews."""

    def __init__(self, chain: Path, key: Path, least: ssl.TLSVersion, metrics: TlsMetrics) -> None:
        """Raises `SettingsError` unless both can be used."""
        self._chain, self._key, self._least = chain, key, least
        self._metrics = metrics
        self.context = self._fresh()
        self.expires_s = 0.0
        """When the one in use expires, Unix time."""

        try:
            self._seen = self._looks()
            self._take()
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"MUSTER_TLS_CERT and MUSTER_TLS_KEY cannot be used: {_why(error)}."
            ) from None

    async def run(self) -> NoReturn:
        """Look again and again; until cancelled."""
        wanted = asyncio.Event()
        with lifetime.hangups(wanted.set):
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await wanted.wait()
                wanted.clear()
                self.look()

    def look(self) -> bool:
        """Take what lies there now, if it is another one and can be used; whether it was taken."""
        try:
            looks = self._looks()
            if looks == self._seen:
                return False
            self._take()
        except (OSError, ValueError) as error:
            self._metrics.reloads.labels("refused").inc()
            _log.error("certificate not taken", error_message=_why(error))
            return False
        self._seen = looks
        self._metrics.reloads.labels("taken").inc()
        _log.info("certificate taken")
        return True

    def _take(self) -> None:
        """Tried on a context that nobody uses first: half a renewal must not end a listener."""
        self._fresh().load_cert_chain(self._chain, self._key)
        self.context.load_cert_chain(self._chain, self._key)
        first = x509.load_pem_x509_certificates(self._chain.read_bytes())[0]
        self.expires_s = first.not_valid_after_utc.timestamp()
        self._metrics.expires_s.set(self.expires_s)

    def _fresh(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = self._least
        return context

    def _looks(self) -> list[tuple[int, int, int]]:
        """By which a file that was written or replaced is known."""
        return [
            (found.st_mtime_ns, found.st_size, found.st_ino)
            for found in (self._chain.stat(), self._key.stat())
        ]


def certificate(settings: Settings, registry: CollectorRegistry) -> Certificate | None:
    """What these settings name; None where TLS ends elsewhere. Raises `SettingsError`."""
    metrics = TlsMetrics(registry)
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Certificate(settings.tls_cert, settings.tls_key, _LEAST[settings.tls_min], metrics)


def _why(error: Exception) -> str:
    """Nothing of what is in the files."""
    if isinstance(error, ssl.SSLError):
        return error.reason or "chain and key do not fit"
    return getattr(error, "strerror", None) or type(error).__name__
