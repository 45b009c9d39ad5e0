"""Look at Postgres, Redis, keys, clocks and processes, and say what to do.

It changes nothing. The exit code is 1 when a check fails; a warning alone is 0.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import resource
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final

import httpx
from prometheus_client import CollectorRegistry

from muster import data_keys, doctor, keys, master
from muster.breached import BreachedError, known_passwords
from muster.cli._backups import backup_facts
from muster.cli._where import UNREACHABLE, connected, located, reason
from muster.clock import SystemClock
from muster.config import Settings, hide_password
from muster.depot import Absent
from muster.doctor import Finding, Verdict, fail, ok
from muster.doctor_backups import of_backups
from muster.doctor_identity import of_hashing, of_keys, of_passwords
from muster.doctor_pushes import KeyFile, of_pushes
from muster.doctor_seals import MasterFile, of_master, of_seals
from muster.doctor_settings import of_settings, of_staff
from muster.doctor_ways import CertificateFile, of_ways
from muster.errors import Refused
from muster.facts import SealFacts
from muster.keys import NEXT, SIGNING, KeysError, made_at, next_kids
from muster.lanes import LaneTable
from muster.services import runfile
from muster.services.runfile import Running
from muster.setting import SettingsError
from muster.stores.depots.opening import open_depot
from muster.stores.postgres.facts import read_postgres, read_replica
from muster.stores.postgres.sealed import read_seals
from muster.stores.redis.facts import read_redis
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.wire import BROKEN
from muster.tls import certificate

_ASK_WITHIN_S: Final = 15.0
_PROBE_WITHIN_S: Final = 3.0
_OTHERS_MAY_READ: Final = 0o077


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose: it looks at everything."""


def run(_args: argparse.Namespace, settings: Settings) -> int:
    """Print the findings."""
    findings = asyncio.run(_examine(located(settings), runfile.read(settings.data_dir)))
    for part, found in findings.items():
        print(part)
        for finding in found:
            print(f"  {finding.verdict:<4}  {finding.what}: {finding.found}")
            if finding.advice:
                print(f"        -> {finding.advice}")
    counts = {
        verdict: sum(f.verdict is verdict for f in chain(*findings.values())) for verdict in Verdict
    }
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    return 1 if counts[Verdict.fail] else 0


async def _examine(settings: Settings, running: Running | None) -> dict[str, list[Finding]]:
    database = hide_password(settings.database_url) or "none known"
    redis = hide_password(settings.redis_url) or "none known"
    return {
        "this machine": [*_machine(settings)],
        f"postgres  {database}": await _postgres(settings),
        "settings": [*of_settings(settings)],
        "ways": [*of_ways(settings, _certificate(settings))],
        "sealed fields": await _seals(settings),
        f"redis  {redis}": await _redis(settings),
        "media": [await _media(settings)],
        "backups": [*of_backups(await backup_facts(settings), settings)],
        "pushes": [*of_pushes(settings, _push_keys(settings))],
        "processes": await _processes(running, settings.data_dir),
    }


def _machine(settings: Settings) -> Iterator[Finding]:
    soft, hard = (
        1_000_000 if limit == resource.RLIM_INFINITY else limit
        for limit in resource.getrlimit(resource.RLIMIT_NOFILE)
    )
    yield doctor.of_files(soft, hard)
    yield _signing_keys(settings.keys_path)
    yield _passwords(settings.breached_file)
    yield of_hashing(settings.password_memory_kib, settings.password_passes)


def _passwords(path: Path | None) -> Finding:
    try:
        known_passwords(path)
    except BreachedError as error:
        return of_passwords(str(path), str(error))
    return of_passwords(str(path or ""), "")


def _signing_keys(directory: Path) -> Finding:
    try:
        ring = keys.load(directory)
        files = sorted(file for kind in (SIGNING, NEXT) for file in directory.glob(f"*{kind}"))
        exposed = [file.name for file in files if file.stat().st_mode & _OTHERS_MAY_READ]
    except (KeysError, OSError) as error:
        return of_keys(0, str(error), [])
    made = made_at(ring.current_kid)
    age_days = 0.0 if made is None else (datetime.now(UTC) - made) / timedelta(days=1)
    following = bool(next_kids(directory))
    return of_keys(len(ring.publics), "", exposed, age_days, following=following)


def _certificate(settings: Settings) -> CertificateFile | None:
    try:
        used = certificate(settings, CollectorRegistry())
    except SettingsError as error:
        return CertificateFile(str(error), 0.0)
    if used is None:
        return None
    return CertificateFile("", used.expires_s - SystemClock().now_ms() / 1000)


def _push_keys(settings: Settings) -> list[KeyFile]:
    named = {
        "MUSTER_APNS_KEY": settings.apns_key,
        "MUSTER_FCM_ACCOUNT": settings.fcm_account,
        "MUSTER_PUSH_CA": settings.push_ca,
    }
    found = []
    for name, path in named.items():
        if path is None:
            continue
        try:
            with path.open("rb") as file:
                file.read(1)
            exposed = bool(path.stat().st_mode & _OTHERS_MAY_READ) and path != settings.push_ca
            found.append(KeyFile(name, "", exposed))
        except OSError as error:
            found.append(KeyFile(name, reason(error), exposed=False))
    return found


async def _postgres(settings: Settings) -> list[Finding]:
    if not settings.database_url:
        return [_unknown("MUSTER_DATABASE_URL")]
    findings: list[Finding] = []
    try:
        async with asyncio.timeout(_ASK_WITHIN_S), connected(settings.database_url) as connection:
            facts = await read_postgres(connection, SystemClock())
        findings.extend(doctor.of_postgres(facts, settings))
        if facts.staff_without_factor is not None:
            findings.append(of_staff(facts.staff_without_factor))
    except UNREACHABLE as error:
        findings.append(_no_answer(error, "is it running, and are URL and password right?"))
    if settings.database_replica_url:
        findings.append(await _replica(settings.database_replica_url))
    return findings


async def _replica(url: str) -> Finding:
    try:
        async with asyncio.timeout(_ASK_WITHIN_S), connected(url) as connection:
            return doctor.of_replica(await read_replica(connection))
    except UNREACHABLE as error:
        advice = "history is read from the primary meanwhile"
        return doctor.warn("replica", f"no answer: {reason(error)}", advice)


async def _seals(settings: Settings) -> list[Finding]:
    facts: SealFacts | None = None
    if settings.database_url:
        try:
            async with (
                asyncio.timeout(_ASK_WITHIN_S),
                connected(settings.database_url) as connection,
            ):
                facts = await read_seals(connection)
        except UNREACHABLE:
            pass  # said already, of Postgres
    found = [of_master(_master(settings, facts))]
    return found if facts is None else [*found, *of_seals(facts)]


def _master(settings: Settings, facts: SealFacts | None) -> MasterFile:
    path = settings.master_path
    where = "MUSTER_MASTER_KEY" if settings.master_key else str(path)
    try:
        masters = master.load(path, settings.master_key)
        for key in facts.keys if facts is not None else ():
            masters.unwrap(key.wrapped, key.master, data_keys.about(key.id, key.purpose))
        exposed = not settings.master_key and bool(path.stat().st_mode & _OTHERS_MAY_READ)
    except (KeysError, OSError) as error:
        return MasterFile(where, reason(error), exposed=False)
    return MasterFile(where, "", exposed, masters.guessable)


async def _redis(settings: Settings) -> list[Finding]:
    if not settings.redis_url:
        return [_unknown("MUSTER_REDIS_URL")]
    table = LaneTable(settings.lanes)
    rng = random.Random()  # noqa: S311  # which node is asked first, hides nothing
    try:
        async with asyncio.timeout(_ASK_WITHIN_S):
            nodes = nodes_at(settings.redis_url, settings.redis_cluster, table, rng)
            facts = await read_redis(nodes, table, SystemClock())
    except (*BROKEN, ValueError) as error:  # ValueError: a URL of no kind that redis-py knows
        advice = "chat goes on without it, slower: is it running, are URL and password right?"
        return [_no_answer(error, advice)]
    return [finding for node in facts for finding in doctor.of_redis(node, settings)]


async def _media(settings: Settings) -> Finding:
    s3 = settings.media_s3_bucket
    where = f"bucket {s3}" if s3 else f"directory {settings.media_path}"
    guarded = bool(not s3 or not settings.media_cdn_url or settings.media_cdn_secret)
    trouble = ""
    try:
        # Nothing is signed here, so no secret is needed.
        async with (
            asyncio.timeout(_ASK_WITHIN_S),
            open_depot(settings, list, SystemClock()) as depot,
        ):
            await depot.ping()
    except (Refused, Absent, TimeoutError) as error:
        trouble = reason(error)
    return doctor.of_media(where, trouble, guarded=guarded)


async def _processes(running: Running | None, data: Path) -> list[Finding]:
    if running is None:
        return [
            ok("muster up", f"nothing runs on {data}; processes started otherwise are not asked")
        ]
    context = ssl.create_default_context()
    # Our own processes on our own machine, whose certificate may name the machine's LAN address.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    urls = {f"hub {n}": url for n, url in enumerate(running.hub_urls, start=1)}
    urls["api"] = running.api_url
    async with httpx.AsyncClient(verify=context, timeout=_PROBE_WITHIN_S, trust_env=False) as http:
        probes = (_readiness(http, name, url) for name, url in urls.items())
        return list(await asyncio.gather(*probes))


async def _readiness(http: httpx.AsyncClient, name: str, url: str) -> Finding:
    try:
        answer = await http.get(f"{re.sub('^ws', 'http', url)}/readyz")
    except httpx.HTTPError as error:
        return fail(name, f"no answer at {url}: {reason(error)}", "see what `muster up` says of it")
    if answer.status_code == httpx.codes.OK:
        return ok(name, f"ready at {url}")
    return fail(
        name,
        f"not ready at {url} ({answer.status_code})",
        "it waits for Postgres or Redis: see above",
    )


def _unknown(setting: str) -> Finding:
    return fail("address", "not known", f"set {setting}, or run `make up` here first")


def _no_answer(error: Exception, advice: str) -> Finding:
    return fail("answer", reason(error), advice)
