"""Chat in this terminal against what `muster up` runs here.

It never chats itself: it becomes `python -m loadtest.chat`, which speaks the protocol from outside as
any client does.
"""

import argparse
import os
import sys

from muster.config import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of the chat; what is left out it decides by itself."""
    parser.add_argument("--as", dest="handle", metavar="HANDLE", help="who you are")
    parser.add_argument("--room", help="where to begin; default: lobby")
    parser.add_argument("--url", help="the api; default: what `muster up` runs on this data")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Does not return where all is well: the chat takes this process over, terminal and all."""
    options = {"--as": args.handle, "--room": args.room, "--url": args.url}
    given = [part for name, value in options.items() if value for part in (name, value)]
    environment = {**os.environ, **settings.to_env()}
    program = [sys.executable, "-m", "loadtest.chat", *given]
    os.execve(sys.executable, program, environment)  # noqa: S606  # no shell is the point
