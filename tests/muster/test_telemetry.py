"""The claims of muster/telemetry.py."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from muster.telemetry import configure_logging, exposition, get_logger, new_registry, trace


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """A stream that a configured process logs to; the configuration of others comes back after."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configure_logging("hub", "info", stream)
    yield stream
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_only_keys_of_the_list_reach_the_log(log: io.StringIO) -> None:
    """What is not allowed is dropped and counted, whoever logs it."""
    get_logger().info("posted", room="r1", text="hello Ada", handle="ada")
    (line,) = _lines(log)
    assert line["room"] == "r1"
    assert line["dropped"] == 2
    assert "Ada" not in log.getvalue()


def test_the_trace_of_the_frame_is_on_every_line(log: io.StringIO) -> None:
    """One id from frame to commit to delivery."""
    token = trace.set("t-1")
    get_logger().info("committed", seq=5)
    trace.reset(token)
    get_logger().info("idle")
    assert [line.get("trace") for line in _lines(log)] == ["t-1", None]


def test_a_drivers_exception_keeps_its_text_to_itself(log: io.StringIO) -> None:
    """Class and place are logged; a message that may quote a row is not."""
    try:
        raise ValueError("duplicate key (handle)=(ada)")
    except ValueError:
        get_logger().exception("failed")
    (line,) = _lines(log)
    assert line["error"] == "builtins.ValueError"
    assert "test_telemetry.py" in line["error_at"]
    assert "ada" not in log.getvalue()


async def test_a_group_says_what_is_in_it(log: io.StringIO) -> None:
    """A TaskGroup's own name tells an operator nothing: class and place of what ended its tasks do."""

    async def ends() -> None:
        raise ValueError("duplicate key (handle)=(ada)")

    async def inner() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ends())

    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(inner())
    except ExceptionGroup:
        get_logger().exception("failed")
    (line,) = _lines(log)
    assert line["error"] == "builtins.ExceptionGroup"
    (found,) = line["errors"]
    assert found["error"] == "builtins.ValueError"
    assert found["error_at"].startswith("ends test_telemetry.py:")
    assert "ada" not in log.getvalue()


def test_the_standard_library_logs_without_arguments(log: io.StringIO) -> None:
    """A library's template is its own words; what fills it may be a person's."""
    logging.getLogger("some.library").warning("refused %s", "ada@example.org")
    (line,) = _lines(log)
    assert line["event"] == "refused %s"
    assert line["logger"] == "some.library"
    assert "example.org" not in log.getvalue()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x0b", "\x1b[2J", "\x85", "\u2028", "\x00"])
def test_no_word_makes_a_line_of_its_own(log: io.StringIO, end: str) -> None:
    """What somebody put into a value stays in it: no second line, and nothing that a terminal obeys."""
    forged = f'x{end}{{"event": "promoted", "person": "eve"}}'
    get_logger().info("asked", route=forged)
    logging.getLogger("some.library").warning(f"cannot read {forged}")  # noqa: G004  # as careless ones do
    lines = _lines(log)
    assert [line["event"].split()[0] for line in lines] == ["asked", "cannot"]
    assert lines[0]["route"] == forged
    assert log.getvalue().isascii()
    assert log.getvalue().replace("\n", "").isprintable()


def test_below_the_level_nothing_is_written(log: io.StringIO) -> None:
    """Debug lines cost nothing at info."""
    get_logger().debug("frame")
    logging.getLogger("some.library").debug("frame")
    assert log.getvalue() == ""


def test_metrics_are_those_of_the_registry_given() -> None:
    """Two registries in one process know nothing of each other."""
    body, content_type = exposition(new_registry())
    assert b"process_cpu_seconds_total" in body
    assert content_type.startswith("text/plain")
