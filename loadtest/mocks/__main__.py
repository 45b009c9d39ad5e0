"""`python -m loadtest.mocks --directory DIR --port N`: the mocks, until Ctrl-C or SIGTERM.

Owns the process. Writes into DIR what a worker needs (kit.py). The page is on port N. Must never listen but on this
machine alone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from loadtest.mocks.kit import PORTS
from loadtest.mocks.mocks import running
from loadtest.mocks.serving import served
from muster import lifetime
from muster.config import Settings
from muster.setting import SettingsError
from muster.telemetry import configure_logging, get_logger

_LARGEST_PORT = 65_535

_log = get_logger()


async def serve(directory: Path, port: int, stop: asyncio.Event) -> int:
    """Serve until `stop`; the exit code."""
    try:
        async with running(directory, port) as mocks, served(mocks, port):
            _log.info("listening", port=port, url=mocks.kit.page_url)
            await stop.wait()
    except OSError as error:
        sys.stderr.write(f"mock push: {error}\n")
        return 1
    return 0


def main(arguments: list[str] | None = None) -> int:
    """What is left out comes from the settings."""
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"mock push: {error}\n")
        return 2
    parser = argparse.ArgumentParser(prog="python -m loadtest.mocks", description=__doc__)
    parser.add_argument("--directory", type=Path, default=settings.mock_push_path)
    parser.add_argument("--port", type=int, default=settings.mock_push_port)
    args = parser.parse_args(arguments)
    if not 0 < args.port <= _LARGEST_PORT - PORTS + 1:
        parser.error(f"--port and the {PORTS - 1} ports after it must be ports")
    configure_logging("mock-push", settings.log_level)
    return lifetime.run(lambda stop: serve(args.directory, args.port, stop))


if __name__ == "__main__":
    sys.exit(main())
