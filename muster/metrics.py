"""Prometheus metrics of what more than one module does: committing, publishing, media, identity, backups.

Owns names and labels, few and of few values. Must never be global: a process constructs one set on its registry.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATENCIES = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.0)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 300)


class WriterMetrics:
    """How the group-commit writer does."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.submit_seconds = Histogram(
            "muster_submit_seconds",
            "From the submission of an op to its answer",
            buckets=_LATENCIES,
            registry=registry,
        )
        self._commit_seconds = Histogram(
            "muster_commit_seconds",
            "One batch, COMMIT included",
            buckets=_LATENCIES,
            registry=registry,
        )
        self._batch_ops = Histogram(
            "muster_batch_ops", "Ops in one batch", buckets=_SIZES, registry=registry
        )
        self.failures = Counter(
            "muster_batch_failures", "Batches that failed, by why", ["why"], registry=registry
        )
        self.timeouts = Counter(
            "muster_submit_timeouts", "Ops answered `unavailable`", registry=registry
        )
        self.refused = Counter(
            "muster_submit_refused", "Ops refused because too many wait", registry=registry
        )
        self.moved = Counter(
            "muster_rooms_moved", "Rooms moved to the spare connection", registry=registry
        )

    def batch(self, ops: int, seconds: float) -> None:
        """One batch is committed."""
        self._batch_ops.observe(ops)
        self._commit_seconds.observe(seconds)


IDENTITY_EVENTS: Final = """
    login login_halfway login_wrong login_banned step_up_wrong code_wrong code_replayed code_locked recovery_used
    factor_on factor_off refresh_reused password_changed password_refused signature_wrong signature_replayed
    email_asked email_verified email_wrong email_taken email_removed reset_asked reset_done reset_wrong
    oauth_begun oauth_refused oauth_in oauth_linked oauth_unlinked
    """.split()  # noqa: SIM905


class IdentityMetrics:
    """What happens to passwords, second factors, refresh tokens and signed requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._events = Counter(
            "muster_identity_events",
            "What was shown to prove who somebody is, and what came of it, by event",
            ["event"],
            registry=registry,
        )
        for event in IDENTITY_EVENTS:
            self._events.labels(event)

    def count(self, event: str) -> None:
        """One of IDENTITY_EVENTS."""
        self._events.labels(event).inc()


class PageMetrics:
    """What becomes of history pages kept in memory."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.hits = Counter(
            "muster_page_hits", "History pages answered from memory", registry=registry
        )
        self.misses = Counter(
            "muster_page_misses", "History pages read from Postgres", registry=registry
        )
        self._dropped = Counter(
            "muster_pages_dropped",
            "Kept pages given up: changed, behind (of an entry that did not come by the lanes), full, era, unknown",
            ["why"],
            registry=registry,
        )
        self._held = Gauge("muster_page_bytes", "Memory held by kept pages", registry=registry)

    def dropped(self, why: str) -> None:
        """A page was given up."""
        self._dropped.labels(why).inc()

    def held(self, size: int) -> None:
        """So many bytes are held."""
        self._held.set(size)


_UPLOAD_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 2.0, 4.0, 8.0, 20.0)


class MediaMetrics:
    """What becomes of uploads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.uploads = Counter(
            "muster_media_uploads", "Uploads taken, by purpose", ["purpose"], registry=registry
        )
        self.refused = Counter(
            "muster_media_refused",
            "Uploads refused, by why: a code or a quota",
            ["why"],
            registry=registry,
        )
        self.unavailable = Counter(
            "muster_media_unavailable", "Uploads not checked in time", registry=registry
        )
        self.seconds = Histogram(
            "muster_media_seconds",
            "From an upload's `complete` to its being ready or refused",
            buckets=_UPLOAD_SECONDS,
            registry=registry,
        )
        self.bytes = Counter("muster_media_bytes", "Bytes kept", registry=registry)
        self.collected = Counter("muster_media_collected", "Media removed", registry=registry)


class BackupMetrics:
    """What becomes of backups."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.base_age = Gauge(
            "muster_backup_base_age_seconds",
            "Since the newest base backup was finished; without one, since the start",
            registry=registry,
        )
        self.wal_age = Gauge(
            "muster_backup_wal_age_seconds",
            "Since the moment up to which everything committed is known to be in the archive",
            registry=registry,
        )
        self.base_bytes = Gauge(
            "muster_backup_base_bytes", "Size of the newest base backup, sealed", registry=registry
        )
        self.wal_files = Counter(
            "muster_backup_wal_files", "Files of the log put into the archive", registry=registry
        )
        self.pruned = Counter(
            "muster_backup_pruned", "Objects removed from the archive", registry=registry
        )
        self.failures = Counter(
            "muster_backup_failures",
            "What failed and is tried again: base, wal, prune",
            ["what"],
            registry=registry,
        )


class ModerationMetrics:
    """What moderators and staff do."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.acts = Counter(
            "muster_moderation_acts",
            "Silences, bans and such that changed something, by op",
            ["op"],
            registry=registry,
        )
        self.reports = Counter(
            "muster_reports_settled",
            "Reports somebody was done with, by action",
            ["action"],
            registry=registry,
        )


class PrivacyMetrics:
    """Copies, erasures, and what time removed."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.exports = Counter(
            "muster_exports",
            "Copies of what is kept of somebody: asked, ready, failed, gone",
            ["outcome"],
            registry=registry,
        )
        self.erasures = Counter(
            "muster_erasures",
            "People to be forgotten: asked, spared (by staff), done",
            ["outcome"],
            registry=registry,
        )
        self.retained = Counter(
            "muster_retention_removed",
            "Removed because its time was over: entries, sessions, reasons",
            ["what"],
            registry=registry,
        )
