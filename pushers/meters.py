"""Prometheus metrics of a pusher.

Owns names and labels, few and of few values: reasons are the providers' own words, causes ours. Must never be global.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from muster.push_device import Provider
from muster.push_queue import Depth, Priority
from pushers.cause import Cause, Waiting
from pushers.outcome import CredentialFault, Delivered, Outcome, Rejected, TokenDead, TryLater

_LATENCIES = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3_600.0)
_REASONS_MOST = 100


class PushMeters:
    """One provider's."""

    def __init__(self, provider: Provider, registry: CollectorRegistry) -> None:
        self.accepted = Counter(
            "muster_push_accepted",
            "Pushes a provider took; not sure: a second attempt of one that may have arrived",
            ["provider", "sure"],
            registry=registry,
        )
        self.failed = Counter(
            "muster_push_failed",
            "Attempts a provider did not take, by what follows and its reason",
            ["provider", "outcome", "reason"],
            registry=registry,
        )
        self._suppressed = Counter(
            "muster_push_suppressed",
            "Devices that were not rung, by cause",
            ["provider", "cause"],
            registry=registry,
        )
        self._put_off = Counter(
            "muster_push_put_off",
            "Devices that were not rung yet, by why",
            ["provider", "why"],
            registry=registry,
        )
        tokens = Counter(
            "muster_push_tokens_removed",
            "Tokens forgotten because their provider said so, by its reason",
            ["provider", "reason"],
            registry=registry,
        )
        self._provider = provider.value
        self._tokens = tokens
        self._reasons: set[str] = set()
        self.seconds = Histogram(
            "muster_push_seconds",
            "From a message's commit to its provider's acceptance, of what was not put off",
            buckets=_LATENCIES,
            registry=registry,
        )
        self._depth = Gauge(
            "muster_push_queue",
            "Jobs of the queue, by where they are",
            ["where"],
            registry=registry,
        )
        self._oldest = Gauge(
            "muster_push_queue_oldest_seconds",
            "How long the oldest job waits past its time",
            registry=registry,
        )
        self.in_hand = Gauge("muster_push_in_hand", "Jobs this process works on", registry=registry)

    def outcome(self, outcome: Outcome) -> None:
        """One attempt."""
        match outcome:
            case Delivered(sure):
                self.accepted.labels(self._provider, "yes" if sure else "no").inc()
            case TokenDead(reason):
                self._failed("token_dead", reason)
            case TryLater(reason):
                self._failed("try_later", reason)
            case Rejected(reason):
                self._failed("rejected", reason)
            case CredentialFault(reason):
                self._failed("credential_fault", reason)

    def token_removed(self, reason: str) -> None:
        """One token is no more."""
        self._tokens.labels(self._provider, self._known(reason)).inc()

    def suppressed(self, cause: Cause) -> None:
        """One device is not rung."""
        self._suppressed.labels(self._provider, cause.value).inc()

    def put_off(self, why: Waiting) -> None:
        """One device is not rung yet."""
        self._put_off.labels(self._provider, why.value).inc()

    def depth(self, depth: Depth) -> None:
        """How the queue stands."""
        self._depth.labels("due").set(depth.due)
        for priority, waiting in zip(Priority, depth.waiting, strict=True):
            self._depth.labels(priority.name).set(waiting)
        self._depth.labels("taken").set(depth.taken)
        self._depth.labels("dead").set(depth.dead)
        self._oldest.set(depth.oldest_s)

    def _failed(self, outcome: str, reason: str) -> None:
        self.failed.labels(self._provider, outcome, self._known(reason)).inc()

    def _known(self, reason: str) -> str:
        """A provider that answers nonsense makes no more labels than there may be."""
        if reason not in self._reasons:
            if len(self._reasons) >= _REASONS_MOST:
                return "other"
            self._reasons.add(reason)
        return reason
