"""Run mocks of APNs and FCM, with a page that shows what each phone would show.

It never mocks itself: it starts `python -m loadtest.mocks` as a child and keeps it running.
"""

import argparse
import asyncio
import os
import random
import sys

from muster import lifetime
from muster.config import Settings
from muster.services.child import ServiceFailedError
from muster.services.keeper import Keeper
from muster.services.mock_push import mock_push, page_url, worker_files
from muster.setting import PREFIX


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything is a setting."""


def run(_args: argparse.Namespace, settings: Settings) -> int:
    """Until Ctrl-C or SIGTERM."""
    return lifetime.run(lambda stop: _keep(settings, stop))


async def _keep(settings: Settings, stop: asyncio.Event) -> int:
    inherited = {name: v for name, v in os.environ.items() if not name.startswith(PREFIX)}
    rng = random.Random()  # noqa: S311  # spreads restarts, hides nothing
    keeper = Keeper(mock_push(settings, inherited), _say, rng)
    try:
        await keeper.start()
        print(f"  {'phones':<9} {page_url(settings)}")
        print(f"  {'worker':<9} {worker_files(settings) / 'mock-push.json'}")
        print("ready", flush=True)
        async with asyncio.TaskGroup() as group:
            group.create_task(keeper.keep())
            await stop.wait()
            await keeper.stop()
    except ServiceFailedError as failure:
        _say(str(failure))
        return 1
    finally:
        keeper.kill()
    return 0


def _say(sentence: str) -> None:
    sys.stderr.write(f"muster: {sentence}\n")
    sys.stderr.flush()
