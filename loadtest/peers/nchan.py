"""nginx with nchan, in C: one worker, everything in its memory.

Owns its configuration and where both are found: installed, or unpacked below build/peers/debian by `make peers`.
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
from pathlib import Path
from typing import Final

from loadtest.peers.peer import BUILT, Absent, Dialect

DEBIAN: Final = BUILT / "debian"
VERSION: Final = DEBIAN / "nchan.version"
"""Of the package that was unpacked."""

SYSTEM: Final = "/usr/sbin:/usr/local/sbin"
"""Where it is installed, which is not on everybody's PATH."""

NEEDED: Final = Path("/var/lib/nginx")
"""nchan brings a location of its own, whose files go below this one however nginx is configured."""

MODULE: Final = "usr/lib/nginx/modules/ngx_nchan_module.so"

_CONFIGURATION: Final = """\
load_module {module};
user {user};
daemon off;
worker_processes 1;
worker_rlimit_nofile 65536;
pid {here}/nginx.pid;
error_log {here}/error.log;
events {{ worker_connections 32768; }}
http {{
  access_log off;
  client_body_temp_path {here}/body;
  proxy_temp_path {here}/proxy;
  fastcgi_temp_path {here}/fastcgi;
  uwsgi_temp_path {here}/uwsgi;
  scgi_temp_path {here}/scgi;
  nchan_shared_memory_size 64M;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /room {{
      nchan_subscriber websocket;
      nchan_channel_id room;
      nchan_subscriber_first_message newest;
    }}
    location = /speak {{
      nchan_publisher websocket;
      nchan_channel_id room;
      nchan_message_buffer_length 10;
    }}
  }}
}}
"""


class Nchan:
    """The peer."""

    name: Final = "nchan (nginx)"
    dialect: Final = Dialect()

    def version(self) -> str:
        """Of nginx, and of the package that the module came in."""
        nginx, module = _found()
        told = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
        return f"nginx {told.strip().rpartition('/')[2]}, nchan {_packaged(module)}"

    def command(self, port: int, directory: Path) -> list[str]:
        """In the foreground, with all that it writes in this directory."""
        nginx, module = _found()
        file = directory / "nginx.conf"
        file.write_text(
            _CONFIGURATION.format(module=module, user=getpass.getuser(), here=directory, port=port)
        )
        return [nginx, "-p", str(directory), "-c", str(file), "-e", str(directory / "error.log")]


def _found() -> tuple[str, str]:
    """The program and the module, of one origin."""
    unpacked = DEBIAN / "usr" / "sbin" / "nginx"
    nginx = shutil.which("nginx") or shutil.which("nginx", path=SYSTEM)
    for program, root in ((nginx, Path("/")), (str(unpacked), DEBIAN)):
        if program is not None and Path(program).exists() and (root / MODULE).exists():
            if not NEEDED.is_dir():
                raise Absent(f"{NEEDED} is missing: make peers as root")
            return program, str(root / MODULE)
    raise Absent("nginx not found" if nginx is None else "nginx has no nchan module")


def _packaged(module: str) -> str:
    """Debian's version; the module tells none itself."""
    if module.startswith(str(DEBIAN)):
        return VERSION.read_text().strip() if VERSION.exists() else "of an unknown version"
    asked = ["dpkg-query", "-W", "-f", "${Version}", "libnginx-mod-nchan"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "of an unknown version"
    return told.partition(":")[2] or told
