"""From where anybody may ask at all: networks that are allowed, and networks that are denied.

    denied beats allowed; where any is allowed, what is not is denied
    the settings' lists, and those of a file that is read again when it changes

Owns this rule, and that a file which cannot be understood changes nothing: what was in force stays so. Must never
log an address.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from muster.addresses import Network, networks
from muster.forwarded import client_of, is_in
from muster.limit_settings import LimitSettings
from muster.setting import SettingsError
from muster.telemetry import get_logger

LOOK_S: Final = 2.0
FILE_BYTES: Final = 1 << 20
NETWORKS_MOST: Final = 10_000
REMEMBERED: Final = 10_000
"""Addresses of which is known what the lists say."""

_log = get_logger()

Stamp = tuple[int, int, int]
"""When a file was written, its size, and which file it is."""


class BordersError(ValueError):
    """A file of networks that is none; the sentence says which line."""


class Lists(NamedTuple):
    """What is allowed, and what is denied."""

    allowed: tuple[Network, ...] = ()
    denied: tuple[Network, ...] = ()


def read_lists(text: str) -> Lists:
    """`allow` or `deny` and a network per line; `#` begins a comment. Raises `BordersError`."""
    found: dict[str, list[IPv4Network | IPv6Network]] = {"allow": [], "deny": []}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or words[0] not in found:
            raise BordersError(f"line {number} is not `allow` or `deny` and a network")
        try:
            found[words[0]].append(ip_network(words[1]))
        except ValueError:
            raise BordersError(f"line {number} has no network such as 203.0.113.0/24") from None
    if len(found["allow"]) + len(found["deny"]) > NETWORKS_MOST:
        raise BordersError(f"there are more than {NETWORKS_MOST} networks")
    return Lists(tuple(found["allow"]), tuple(found["deny"]))


class Borders:
    """One process's."""

    def __init__(
        self, settled: Lists, trusted: Sequence[Network] = (), file: Path | None = None
    ) -> None:
        """`settled`: the settings' own; `trusted`: balancers whose word about others is believed."""
        self._settled = settled
        self._trusted = tuple(trusted)
        self._file = file
        self._stamp: Stamp | None = None
        self._lists = settled
        self._known: dict[str, bool] = {}
        self.refused: Counter[str] = Counter()

    def client(self, peer: str, forwarded: Iterable[str]) -> str:
        """Who asks: `peer`, or whom it speaks for."""
        return client_of(peer, forwarded, self._trusted)

    def speaks_for_others(self, peer: str) -> bool:
        """Whether this is a balancer of ours."""
        return bool(self._trusted) and is_in(peer, self._trusted)

    def refuses(self, address: str) -> bool:
        """Whether nobody may ask from there; counted if so."""
        lists = self._lists
        if not lists.allowed and not lists.denied:
            return False
        refused = self._known.get(address)
        if refused is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            refused = self._known[address] = _refuses(lists, address)
        if refused:
            self.refused["networks"] += 1
        return refused

    def load(self) -> None:
        """Read the file. Raises `SettingsError`: then all stays as it was."""
        try:
            self._take(self._read())
        except (BordersError, OSError) as error:
            why = error if isinstance(error, BordersError) else type(error).__name__
            raise SettingsError(f"MUSTER_NETWORKS_FILE cannot be read: {why}.") from None

    async def run(self) -> NoReturn:
        """Look whether the file has changed, until cancelled."""
        said = ""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self._take(await asyncio.to_thread(self._read))
                said = ""
            except (BordersError, OSError) as error:
                reason = type(error).__name__
                if reason != said:
                    _log.error("networks not read: those before stay in force", reason=reason)
                said = reason

    def _read(self) -> tuple[Stamp, Lists] | None:
        """What the file says, if it is another than before."""
        if self._file is None:
            return None
        stat = self._file.stat()
        stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if stamp == self._stamp:
            return None
        with self._file.open(encoding="utf-8", errors="replace") as file:
            text = file.read(FILE_BYTES + 1)
        if len(text) > FILE_BYTES:
            raise BordersError(f"it has more than {FILE_BYTES} characters")
        return stamp, read_lists(text)

    def _take(self, read: tuple[Stamp, Lists] | None) -> None:
        if read is None:
            return
        self._stamp, lists = read
        allowed, denied = self._settled
        self._lists = Lists(allowed + lists.allowed, denied + lists.denied)
        self._known = {}
        _log.info("networks read", count=len(lists.allowed) + len(lists.denied))


def borders_of(settings: LimitSettings) -> Borders:
    """As the settings say. Raises `SettingsError` where the file cannot be read."""
    lists = Lists(networks(settings.allow_networks), networks(settings.deny_networks))
    borders = Borders(lists, networks(settings.trusted_proxies), settings.networks_file)
    borders.load()
    return borders


def _refuses(lists: Lists, address: str) -> bool:
    if lists.denied and is_in(address, lists.denied):
        return True
    return bool(lists.allowed) and not is_in(address, lists.allowed)
