"""Every peer speaks one contract; those that need nothing installed are loaded here, all others say what they lack."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from loadtest.peers import nchan, node
from loadtest.peers.install import MANIFESTS
from loadtest.peers.peer import Absent, Dialect, Peer
from loadtest.peers.python import BROADCAST, STARLETTE
from loadtest.peers.roster import FLOOR, PEERS, SERVERS
from loadtest.peers.trial import ONLINE_WITHIN_S, Crowd, Trial, tried
from loadtest.progress import Progress

_HERE = Path(__file__).parents[2] / "loadtest" / "peers"
_CROWD = Crowd(members=12, rate_per_s=25, warm_s=0.2, run_s=0.8)


def _here(peer: Peer) -> bool:
    try:
        peer.version()
    except Absent:
        return False
    return True


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
async def test_what_the_speaker_says_comes_to_every_member(peer: Peer) -> None:
    """Once each, and timed; whoever is not on this machine says why instead."""
    (trial,) = await tried([peer], _CROWD, Progress())
    assert trial.name == peer.name
    if not _here(peer):
        assert trial.absent
        return
    assert trial.absent is None, trial.absent
    assert trial.version
    assert trial.lost_sockets == 0
    assert trial.kib_per_socket is not None
    assert trial.kept_up is not None
    assert 0.5 < trial.kept_up <= 1
    assert 0 < trial.delay_ms["p50_ms"] <= trial.delay_ms["p99_9_ms"] < 5_000


@pytest.mark.parametrize("peer", [BROADCAST, STARLETTE], ids=lambda peer: peer.name)
def test_peers_in_python_are_always_here(peer: Peer) -> None:
    """Muster needs the same packages."""
    assert re.fullmatch(r"(\w+ [\d.]+, )+\w+ [\d.]+", peer.version())


class _Broken(NamedTuple):
    """A peer that ends with a complaint."""

    name: str = "broken"
    dialect: Dialect = Dialect()

    def version(self) -> str:
        return "1"

    def command(self, port: int, directory: Path) -> list[str]:
        return [sys.executable, "-c", "import sys; sys.exit('no such module')"]


async def test_a_peer_that_does_not_start_is_absent_with_its_last_words() -> None:
    """It is not waited for, and the run goes on with the next one."""
    async with asyncio.timeout(ONLINE_WITHIN_S / 2):
        trials = await tried([_Broken(), BROADCAST], _CROWD, Progress())
    assert "no such module" in str(trials[0].absent)
    assert trials[1].absent is None


def test_what_is_not_installed_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what is missing, as it stands in a table."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(node, "PACKAGES", tmp_path)
    monkeypatch.setattr(nchan, "DEBIAN", tmp_path)
    monkeypatch.setattr(nchan, "SYSTEM", str(tmp_path))
    for peer, said in (
        (node.WS, "ws not installed: make peers"),
        (node.SOCKET_IO, "socket.io not installed: make peers"),
        (nchan.Nchan(), "nginx not found"),
        (FLOOR, "no C compiler found"),
    ):
        with pytest.raises(Absent, match=said):
            peer.version()


def test_the_lock_pins_every_package_and_names_no_registry() -> None:
    """Which registry is the business of whoever installs."""
    manifest, lock = (json.loads((_HERE / name).read_text("utf-8")) for name in MANIFESTS)
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert set(manifest["dependencies"]) == {"socket.io", "ws"}
    for name, wanted in manifest["dependencies"].items():
        assert packages[f"node_modules/{name}"]["version"] == wanted
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert "://" not in (_HERE / MANIFESTS[1]).read_text("utf-8")


def test_every_peer_has_a_name_of_its_own() -> None:
    """Figures are told apart by it."""
    assert len({peer.name for peer in PEERS}) == len(PEERS) == len(SERVERS) + 1
    assert Trial(name="x").absent is None
