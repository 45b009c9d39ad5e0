"""Around every request: whose address it is and whether anybody may ask from there, its trace id, its time, security
headers, one log line.

Owns what holds for every answer whatever its route. Must never log an address, a query or a body.
"""

from __future__ import annotations

import re
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem
from muster.borders import Borders
from muster.clock import Clock
from muster.errors import Refused
from muster.ids import Random
from muster.metrics import PrivacyMetrics
from muster.telemetry import get_logger, trace
from proto.codes import Code

SLOW_S: Final = 1.0
_TRACE: Final = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A client's own id is logged, so it is one that nobody is called by: 16 or 32 hex digits, or a UUID."""

_LATENCIES: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # The docs page has a style of its own and nothing else; answers are no pages.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
_HSTS: Final = "max-age=63072000"
_ABROAD: Final = Refused(Code.permission_denied, "nobody may ask from this network")
_QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})

_log = get_logger()


class ApiMetrics:
    """What the REST door measures. Labels are route templates, never paths."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "muster_api_requests",
            "Requests answered, by route and status",
            ["route", "status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "muster_api_request_seconds",
            "From the first byte of a request to the last of its answer, by route",
            ["route"],
            buckets=_LATENCIES,
            registry=registry,
        )
        self.privacy = PrivacyMetrics(registry)
        self.database_seconds = Histogram(
            "muster_api_database_seconds",
            "One use of a pooled connection, the wait for it included",
            buckets=_LATENCIES,
            registry=registry,
        )


class Edge:
    """The outermost middleware."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: ApiMetrics,
        clock: Clock,
        random: Random,
        borders: Borders,
        *,
        tls: bool,
    ) -> None:
        self._app = app
        self._borders = borders
        self._metrics = metrics
        self._clock = clock
        self._random = random
        self._headers = {**_HEADERS, "Strict-Transport-Security": _HSTS} if tls else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._request_id(scope)
        token = trace.set(request_id)
        started = self._clock.monotonic()
        status = 0

        async def send_dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            if self._refuses(scope):
                await problem(_ABROAD)(scope, receive, send_dressed)
            else:
                await self._app(scope, receive, send_dressed)
        finally:
            self._note(scope, status, self._clock.monotonic() - started)
            trace.reset(token)

    def _refuses(self, scope: Scope) -> bool:
        """Whether nobody may ask from there. From now on `client` is who asks, not who stands before us."""
        client = scope.get("client")
        if client is None:
            return False
        address = client[0]
        if self._borders.speaks_for_others(address):
            forwarded = [
                v.decode("latin-1") for n, v in scope["headers"] if n == b"x-forwarded-for"
            ]
            address = self._borders.client(address, forwarded)
            scope["client"] = (address, 0)
        return self._borders.refuses(address)

    def _request_id(self, scope: Scope) -> str:
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given = value.decode("latin-1")
                if _TRACE.fullmatch(given):
                    return str(given)
        return f"{self._random.getrandbits(64):016x}"

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(getattr(scope.get("endpoint"), "route", None), "path", "none")
        self._metrics.requests.labels(route, status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if route in _QUIET:
            return
        level = _log.warning if status >= 500 or seconds > SLOW_S else _log.info
        level(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            elapsed_ms=round(seconds * 1_000, 2),
        )
