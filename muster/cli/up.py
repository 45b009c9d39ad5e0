"""Start Postgres, Redis, hubs and api on this machine and keep them running.

It never runs a door in its own process, and of the environment it passes on to its children all
but MUSTER_*, which they get from the settings.
"""

import argparse
import os
import sys
from dataclasses import replace

import segno

from muster import lifetime
from muster.config import Settings, hide_password
from muster.services.certificate import development_certificate, lan_address
from muster.services.lock import DataDirectoryError, only_one
from muster.services.runfile import Running
from muster.services.stack import DoorModules, Stack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Everything is a setting; the two options are for tests of the supervisor alone."""
    parser.add_argument("--hub-module", default=DoorModules().hub, help=argparse.SUPPRESS)
    parser.add_argument("--api-module", default=DoorModules().api, help=argparse.SUPPRESS)


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Until Ctrl-C or SIGTERM."""
    modules = DoorModules(hub=args.hub_module, api=args.api_module)
    try:
        with only_one(settings.data_dir):
            if settings.lan and settings.tls_cert is None:
                certificate, key = development_certificate(settings.data_dir, lan_address())
                settings = replace(settings, tls_cert=certificate, tls_key=key)
            stack = Stack(settings, os.environ, _say, _print_ready, modules)
            return lifetime.run(stack.run)
    except DataDirectoryError as error:
        _say(str(error))
        return 1


def _say(sentence: str) -> None:
    sys.stderr.write(f"muster: {sentence}\n")
    sys.stderr.flush()


def _print_ready(running: Running) -> None:
    rows = [
        ("postgres", hide_password(running.database_url)),
        ("redis", hide_password(running.redis_url)),
        *((f"hub {index}", url) for index, url in enumerate(running.hub_urls, start=1)),
        ("api", running.api_url),
        ("page", f"{running.api_url}/app"),
        *([("phones", running.phones_url)] if running.phones_url else []),
    ]
    for name, url in rows:
        print(f"  {name:<9} {url}")
    if running.tls_cert is not None and running.api_url.startswith("https"):
        print(f"  {'trust':<9} {running.tls_cert}  (put it on the phone first)")
        segno.make(f"{running.api_url}/app").terminal(compact=True)
    print("ready", flush=True)
