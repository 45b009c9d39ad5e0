"""What one push costs the HTTP/2 client that brings it: processor time per request, and so requests a second per core.

The client by itself and as a carrier, against a server that answers everything (loadtest/peers/h2_sink.py, in a process
of its own: the mocks judge each request, and would be the ceiling), over TLS and one connection; aioapns and httpx
beside it in turns, where they are installed. Owns these figures. Must never take the server's processor time for the
client's.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import monotonic, process_time, sleep
from typing import Final, NamedTuple

import uvloop

from loadtest.peers.push_clients import CARRIED, OURS, PEERS, PushClient, Send, Server, is_here
from loadtest.ports import reserved_ports
from loadtest.progress import Progress
from muster.services.certificate import development_certificate

_HOST: Final = "127.0.0.1"
_WARM: Final = 200
_UP_WITHIN_S: Final = 10.0
_US: Final = 1e6


class Cost(NamedTuple):
    """Of one request: processor time of this process. `per_s`: as it went, with whatever else the machine did."""

    cpu_us: float
    per_s: float


def measured(args: argparse.Namespace) -> dict[str, object]:
    """The figures, by the names that the JSON has."""
    clients = [OURS, CARRIED, *(peer for peer in PEERS if is_here(peer))]
    absent = [peer.name for peer in PEERS if not is_here(peer)]
    costs = _measured(clients, args)
    _tell(costs, absent)
    ours = costs[OURS.name]
    return {
        "h2_per_s_core": round(_US / ours.cpu_us),
        "cpu_us_per_request": round(ours.cpu_us, 1),
        "per_s": round(ours.per_s),
        "carrier_cpu_us_per_request": round(costs[CARRIED.name].cpu_us, 1),
        "peers": [
            {
                "name": name,
                "cpu_us_per_request": round(cost.cpu_us, 1),
                "per_s_core": round(_US / cost.cpu_us),
                "ratio": round(cost.cpu_us / ours.cpu_us, 2),
            }
            for name, cost in costs.items()
            if name not in (OURS.name, CARRIED.name)
        ],
        "absent": absent,
    }


def _tell(costs: dict[str, Cost], absent: list[str]) -> None:
    """In words, on standard error."""
    progress = Progress()
    for name, cost in costs.items():
        progress.say(f"{name}: {cost.cpu_us:.1f} us of processor time a request")
    for name in absent:
        progress.say(f"{name}: absent, it is not installed")


def _measured(clients: list[PushClient], args: argparse.Namespace) -> dict[str, Cost]:
    """In turns, so that what the machine does meanwhile falls on all of them."""
    found: dict[str, list[Cost]] = {client.name: [] for client in clients}
    progress = Progress()
    with _sink() as server:
        for number in range(args.rounds):
            for client in clients:
                progress.show(number, args.rounds, client.name)
                found[client.name].append(uvloop.run(_cost(client, server, args)))
    progress.end()
    return {
        name: Cost(median(c.cpu_us for c in costs), median(c.per_s for c in costs))
        for name, costs in found.items()
    }


async def _cost(client: PushClient, server: Server, args: argparse.Namespace) -> Cost:
    async with client.opened(server) as send:
        await send(0)  # one alone: providers want to see the token first
        await _sent(send, range(1, _WARM), args.at_once)
        began, spent = monotonic(), process_time()
        await _sent(send, range(_WARM, _WARM + args.requests), args.at_once)
        passed, used = monotonic() - began, process_time() - spent
    return Cost(used / args.requests * _US, args.requests / passed)


async def _sent(send: Send, numbers: range, at_once: int) -> None:
    left = iter(numbers)

    async def some() -> None:
        for number in left:
            await send(number)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(at_once, len(numbers))):
            tasks.create_task(some())


@contextmanager
def _sink() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as directory, reserved_ports(1) as port:
        certificate, key = development_certificate(Path(directory), _HOST)
        command = [
            sys.executable,
            "-m",
            "loadtest.peers.h2_sink",
            str(port),
            str(certificate),
            str(key),
        ]
        with subprocess.Popen(command) as process:
            try:
                _until_up(port)
                yield Server(_HOST, port, certificate)
            finally:
                process.kill()


def _until_up(port: int) -> None:
    until = monotonic() + _UP_WITHIN_S
    while True:
        try:
            with socket.create_connection((_HOST, port), timeout=1):
                return
        except OSError:
            if monotonic() > until:
                raise
            sleep(0.05)
