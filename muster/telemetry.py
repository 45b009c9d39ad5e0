"""Owns how a process tells what it does: JSON log lines and Prometheus metrics.

A log line carries only the keys of `ALLOWED`; whatever else a caller passes is dropped and
counted in `dropped`, so that a new kind of personal data stays out by default. The text of an
exception is kept only for our own classes: a driver's message may quote the row it choked on.
Nothing here happens at import: the entry modules call `configure_logging`, tests need not.
"""

import logging
import sys
import traceback
from collections.abc import Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from itertools import islice
from typing import Any, TextIO

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from structlog.typing import FilteringBoundLogger

# One id from the frame through the commit to the delivery; set where a frame or request enters.
trace: ContextVar[str | None] = ContextVar("trace", default=None)

# Ids, counts, times and codes: never names, texts, places, addresses or tokens.
ALLOWED = frozenset(  # as one text: a line per subject reads better than a list of 60
    """
    event level at process pid trace
    error error_at error_message errors exit_code signal reason code close_code status temporary
    room seq msg_no from_seq to_seq kind person session device client_id entry generation
    batch rows bytes count members sockets rooms queued dropped skipped
    lane lanes epoch cursor hub hubs port url path route method setting
    attempt retry_in_s elapsed_ms within_s waited_ms age_s revision version logger service
    state gap job lease writer connections limit webhook
    """.split()  # noqa: SIM905
)
_OURS = ("muster", "proto", "realtime", "api", "pushers", "loadtest")
_FOREIGN_TEXT_CHARS = 200
_INNER_ERRORS = 5

EventDict = MutableMapping[str, Any]


def get_logger() -> FilteringBoundLogger:
    """A logger that takes its configuration when it is first used, so import time is fine."""
    logger: FilteringBoundLogger = structlog.get_logger()
    return logger


def configure_logging(process: str, level: str = "info", stream: TextIO | None = None) -> None:
    """Send our own events and the standard library's down one pipe of JSON lines."""
    out = stream if stream is not None else sys.stderr
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            _Context(process),
            _describe_exception,
            _keep_allowed,
            structlog.processors.JSONRenderer(sort_keys=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [_Foreign()]
    root.setLevel(max(threshold, logging.INFO))  # libraries at debug print what they send


def new_registry() -> CollectorRegistry:
    """A registry of this process' own: there is no global one to share by accident."""
    # A third of the page would say when each counter was made, and nobody asks.
    disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's own omission
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


def exposition(registry: CollectorRegistry) -> tuple[bytes, str]:
    """What GET /metrics answers: the body and its content type."""
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Context:
    """Adds which process speaks and what it is working on."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        event["process"] = self._process
        current = trace.get()
        if current is not None:
            event.setdefault("trace", current)
        return event


def _describe_exception(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Class, place and, for our own classes alone, the message."""
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()[1]
    elif isinstance(given, tuple):
        given = given[1]
    if isinstance(given, BaseException):
        event.update(describe(given))
    return event


def describe(error: BaseException) -> dict[str, Any]:
    """What may be logged about an exception; of a group also `errors`, the same of the first few in it."""
    cls = type(error)
    described: dict[str, Any] = {"error": f"{cls.__module__}.{cls.__qualname__}"}
    if isinstance(error, BaseExceptionGroup):
        described["errors"] = [describe(inner) for inner in islice(_leaves(error), _INNER_ERRORS)]
    if cls.__module__.split(".")[0] in _OURS:
        described["error_message"] = str(error)
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        described["error_at"] = " < ".join(
            f"{frame.name} {frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
            for frame in reversed(frames[-5:])
        )
    return described


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """What is in a group, and in the groups in it."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _keep_allowed(_logger: Any, _method: str, event: EventDict) -> Mapping[str, Any]:
    refused = [key for key in event if key not in ALLOWED]
    for key in refused:
        del event[key]
    if refused:
        event["dropped"] = len(refused)
    return event


class _Foreign(logging.Handler):
    """The standard library's log records, without the arguments that fill their templates."""

    def emit(self, record: logging.LogRecord) -> None:
        # The template is a library's own words; its arguments may be a person's. A record that
        # comes without arguments may be filled in already: its first line is the least of it.
        template = str(record.msg).split("\n", 1)[0][:_FOREIGN_TEXT_CHARS]
        error = record.exc_info[1] if record.exc_info else None
        get_logger().log(record.levelno, template, logger=record.name, exc_info=error)
