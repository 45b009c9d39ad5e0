"""Prometheus metrics of a carrier: its connections, what it is held back by, its token.

Owns names and meanings. They are read when somebody asks: nothing is counted on the way of a push.
Must never be global.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from pushers.apns import Apns
from pushers.carriers import Carried
from pushers.http2.client import Client


class CarrierMeters:
    """One provider's."""

    def __init__(self, carrier: Carried, registry: CollectorRegistry) -> None:
        clients = _clients(carrier)
        gauges = {
            "muster_push_breakers_open": (
                "Apps (or Firebase projects) of which nothing goes out, for our credentials are refused",
                lambda: carrier.gate.open_breakers,
            ),
            "muster_push_paused_seconds": (
                "How long the provider still wants to be left alone",
                lambda: carrier.gate.paused_s,
            ),
            "muster_push_in_flight": (
                "Requests to the provider that are on their way",
                lambda: sum(client.in_flight for client in clients),
            ),
            "muster_push_unsent": (
                "Requests to the provider that wait for room on a connection",
                lambda: sum(client.waiting for client in clients),
            ),
            "muster_push_at_once": (
                "Requests that may be on their way at once, as the provider bears them",
                lambda: sum(client.limit.now for client in clients),
            ),
            "muster_push_connections": (
                "Connections to the provider",
                lambda: sum(client.connections for client in clients),
            ),
            "muster_push_token_age_seconds": (
                "Age of the token by which the provider knows us; +Inf: none was needed yet",
                lambda: carrier.tokens.age_s,
            ),
        }
        for name, (meaning, read) in gauges.items():
            Gauge(name, meaning, registry=registry).set_function(read)


def _clients(carrier: Carried) -> list[Client]:
    return list(carrier.clients.values()) if isinstance(carrier, Apns) else [carrier.client]
