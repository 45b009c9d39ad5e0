"""Fetches what peers need and our own environment does not bring: `make peers`.

Owns build/peers: npm installs there what package-lock.json pins, and Debian's nginx is unpacked there, so that no
service is installed or started. What cannot be fetched is said, and that peer is absent: nothing here ends a run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from loadtest.peers.nchan import DEBIAN, NEEDED, VERSION, Nchan
from loadtest.peers.node import PACKAGES
from loadtest.peers.peer import Absent
from loadtest.peers.roster import PEERS

MANIFESTS: Final = ("package.json", "package-lock.json")
DEBS: Final = ("nginx", "libnginx-mod-nchan")
WITHIN_S: Final = 300


def main() -> None:
    """Fetch what is missing, then say of each peer whether it is here."""
    for install in (_packages, _nginx):
        try:
            install()
        except (OSError, subprocess.SubprocessError) as failed:
            print(f"could not be fetched: {failed}")
    for peer in PEERS:
        try:
            print(f"{peer.name}: {peer.version()}")
        except Absent as absent:
            print(f"{peer.name}: absent, {absent}")


def _packages() -> None:
    """Exactly what the lock says, with no script of theirs run."""
    home, beside = PACKAGES.parent, Path(__file__).parent
    pinned = [(beside / name).read_bytes() for name in MANIFESTS]
    done = home / ".installed"
    if done.exists() and done.read_bytes() == pinned[1]:
        return
    npm = shutil.which("npm")
    if npm is None:
        return
    home.mkdir(parents=True, exist_ok=True)
    for name, content in zip(MANIFESTS, pinned, strict=True):
        (home / name).write_bytes(content)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(command, cwd=home, check=True, timeout=WITHIN_S)
    done.write_bytes(pinned[1])


def _nginx() -> None:
    """From Debian's archive, unless it is installed or unpacked already."""
    apt, dpkg = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if apt is None or dpkg is None:
        return
    if os.geteuid() == 0:
        NEEDED.mkdir(exist_ok=True)
    try:
        Nchan().version()
    except Absent:
        _unpack(apt, dpkg)


def _unpack(apt: str, dpkg: str) -> None:
    debs = DEBIAN / "debs"
    debs.mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0:
        subprocess.run([apt, "-qq", "update"], check=True, timeout=WITHIN_S)
    download = [apt, "-qq", "-o", "APT::Sandbox::User=root", "download", *DEBS]
    subprocess.run(download, cwd=debs, check=True, timeout=WITHIN_S)
    for deb in sorted(debs.glob("*.deb")):
        subprocess.run([dpkg, "-x", str(deb), str(DEBIAN)], check=True)
    (module,) = debs.glob(f"{DEBS[1]}_*.deb")
    asked = [dpkg, "-f", str(module), "Version"]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    VERSION.write_text(told.strip().rpartition(":")[2] + "\n")


if __name__ == "__main__":
    main()
