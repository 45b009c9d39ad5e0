"""Each check of `muster doctor` made to fail once, on facts made up for it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from muster import doctor
from muster.config import Settings
from muster.doctor import Finding, Verdict
from muster.doctor_identity import of_hashing, of_keys, of_passwords
from muster.doctor_pushes import KeyFile, of_pushes
from muster.facts import Lease, PostgresFacts, RedisFacts, ReplicaFacts

SERVER = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "synchronous_standby_names": "",
    "max_connections": "100",
    "superuser_reserved_connections": "3",
}
SOUND = PostgresFacts(
    version=180_001,
    settings=SERVER,
    recovering=False,
    connections={"muster-hub": 4, "muster-api": 2},
    standbys=0,
    standby_lag_s=0.0,
    revision="0001",
    newest="0001",
    lanes=16,
    generation="g",
    recorded_timeline=1,
    timeline=1,
    overdue=[],
    clock_apart_ms=3.0,
)
REDIS = RedisFacts("127.0.0.1:6379", "6.2.14", 1 << 28, 1 << 20, "noeviction", False, True, -3.0)


def _bad(findings: list[Finding]) -> dict[str, Verdict]:
    return {f.what: f.verdict for f in findings if f.verdict is not Verdict.ok}


def _postgres(ours: Settings | None = None, /, **facts: Any) -> dict[str, Verdict]:
    found = list(doctor.of_postgres(SOUND._replace(**facts), ours or Settings()))
    assert all(f.advice for f in found if f.verdict is not Verdict.ok), "bad news without advice"
    return _bad(found)


def _redis(ours: Settings | None = None, /, **facts: Any) -> dict[str, Verdict]:
    return _bad(list(doctor.of_redis(REDIS._replace(**facts), ours or Settings())))


def test_a_sound_installation_has_nothing_to_complain_of() -> None:
    """All ok: no check cries wolf."""
    assert _postgres() == {}
    assert _redis() == {}


@pytest.mark.parametrize("name", ["fsync", "full_page_writes", "synchronous_commit"])
def test_a_server_that_may_lose_what_was_acked_fails(name: str) -> None:
    """Promise 1 needs all three."""
    assert _postgres(settings={**SERVER, name: "off"}) == {name: Verdict.fail}


def test_a_standby_that_commits_do_not_wait_for_is_a_warning() -> None:
    """Nothing is lost until the failover, and then the last acks are."""
    assert _postgres(standbys=1) == {"synchronous_standby_names": Verdict.warn}
    waited_for = {**SERVER, "synchronous_standby_names": "ANY 1 (b)"}
    assert _postgres(standbys=1, settings=waited_for) == {}
    late = _postgres(standbys=1, settings=waited_for, standby_lag_s=60.0)
    assert late == {"standby": Verdict.warn}


def test_versions_that_are_too_old_are_said() -> None:
    """Untried is a warning, unsupported a failure."""
    assert _postgres(version=160_002) == {"version": Verdict.warn}
    assert _postgres(version=130_002) == {"version": Verdict.fail}
    assert _redis(version="6.0.16") == {"version": Verdict.fail}
    assert _redis(version="7.4.0") == {}


def test_a_role_above_the_audits_rights_is_a_warning() -> None:
    """Then only the trigger and the chain hold."""
    assert _postgres(audit_rewritable=True) == {"audit": Verdict.warn}


def test_a_standby_is_no_primary() -> None:
    """Writes would all fail."""
    assert _postgres(recovering=True) == {"role": Verdict.fail}
    assert _redis(primary=False) == {"role": Verdict.fail}


def test_the_connection_budget_is_a_hundred() -> None:
    """What runs counts, and so does what these settings would run."""
    assert _postgres(connections={"muster-hub": 98}) == {"connections": Verdict.fail}
    assert _postgres(Settings(hubs=20)) == {"connections": Verdict.fail}
    assert _postgres(Settings(hubs=16)) == {"connections": Verdict.fail}
    assert _postgres(Settings(hubs=16, pushes="none")) == {}
    assert _postgres(Settings(hubs=20, database_pgbouncer=True)) == {}
    assert _postgres(connections={"a colleague's": 80}) == {"connections": Verdict.warn}


def test_the_default_settings_keep_the_budget() -> None:
    """Two hubs, one api and two pushers, the spare writers counted."""
    assert doctor.budget(Settings()) == 2 * (2 + 1 + 2) + (1 + 1 + 4) + 2 * 2 + 10
    assert doctor.budget(Settings(pushes="none")) == 2 * (2 + 1 + 2) + (1 + 1 + 4) + 10
    alone = Settings(pushes="real", apns_key=Path("key.p8"))
    assert doctor.budget(alone) == 2 * (2 + 1 + 2) + (1 + 1 + 4) + 2 + 10


def test_a_schema_that_is_behind_fails_and_one_ahead_warns() -> None:
    """A newer release has expanded it: this one runs on for a while."""
    assert _postgres(newest="0002") == {"schema": Verdict.fail}
    assert _postgres(revision=None, lanes=None) == {"schema": Verdict.fail}
    assert _postgres(revision="0002") == {"schema": Verdict.warn}


def test_other_lanes_than_recorded_fail() -> None:
    """Hubs with different numbers would talk past each other."""
    assert _postgres(Settings(lanes=8)) == {"lanes": Verdict.fail}
    assert _postgres(lanes=None) == {}


def test_another_timeline_than_recorded_is_a_warning() -> None:
    """The log may have lost entries, and phones do not know it yet."""
    assert _postgres(timeline=2) == {"generation": Verdict.warn}
    assert _postgres(timeline=None) == {}


def test_a_lease_nobody_takes_fails() -> None:
    """Committed entries wait on a dead process."""
    assert _postgres(overdue=[Lease(1.0, 1)]) == {}
    assert _postgres(overdue=[Lease(60.0, 1)]) == {"unpublished": Verdict.fail}


def test_clocks_two_seconds_apart_are_a_warning() -> None:
    """In either direction."""
    assert _postgres(clock_apart_ms=2_500.0) == {"clock of Postgres": Verdict.warn}
    assert _redis(clock_apart_ms=-2_500.0) == {"clock of Redis 127.0.0.1:6379": Verdict.warn}


def test_a_redis_that_evicts_is_no_bus() -> None:
    """Worse where it has a limit and therefore does."""
    assert _redis(policy="allkeys-lru") == {"maxmemory-policy": Verdict.fail}
    assert _redis(policy="allkeys-lru", maxmemory=0) == {"maxmemory-policy": Verdict.warn}
    assert _redis(used_memory=1 << 28) == {"memory": Verdict.warn}


def test_a_cluster_and_its_setting_must_agree() -> None:
    """Either way around."""
    clustered = Settings(redis_url="redis://h", redis_cluster=True)
    assert _redis(cluster=True) == {"cluster": Verdict.fail}
    assert _redis(clustered) == {"cluster": Verdict.fail}
    assert _redis(clustered, cluster=True) == {}


def test_a_replica_must_be_one_and_keep_up() -> None:
    """A primary there would be another installation's."""
    assert doctor.of_replica(ReplicaFacts(True, 0.2)).verdict is Verdict.ok
    assert doctor.of_replica(ReplicaFacts(True, 60.0)).verdict is Verdict.warn
    assert doctor.of_replica(ReplicaFacts(False, 0.0)).verdict is Verdict.fail


def test_keys_must_be_there_and_private() -> None:
    """Whoever reads a key can sign anybody in."""
    assert of_keys(1, "", []).verdict is Verdict.ok
    assert of_keys(0, "there is none", []).verdict is Verdict.fail
    assert of_hashing(19_456, 2).verdict is of_hashing(47_104, 1).verdict is Verdict.ok
    assert of_hashing(19_455, 2).verdict is of_hashing(19_456, 1).verdict is Verdict.warn
    assert of_passwords("/lists/pwned.txt", "").verdict is Verdict.ok
    assert of_passwords("", "").verdict is Verdict.warn
    assert of_passwords("/lists/pwned.txt", "cannot be read").verdict is Verdict.fail
    assert of_keys(1, "", ["a.pem"]).verdict is Verdict.warn
    assert of_keys(1, "", [], following=False).verdict is Verdict.warn
    assert of_keys(2, "", [], age_days=367).verdict is Verdict.warn
    assert of_keys(2, "", [], age_days=365).verdict is Verdict.ok


def test_keys_of_pushes_are_all_there_and_can_be_read() -> None:
    """All three of Apple's or none; a file that is not there rings nobody, one that others read rings anybody."""

    def judged(settings: Settings, *files: KeyFile) -> list[Verdict]:
        return [finding.verdict for finding in of_pushes(settings, files)]

    whole = Settings(pushes="real", apns_key=Path("k"), apns_key_id="K", apns_team_id="T")
    assert judged(Settings()) == judged(Settings(pushes="none")) == [Verdict.ok]
    assert judged(Settings(pushes="real")) == [Verdict.warn]
    assert judged(whole, KeyFile("MUSTER_APNS_KEY", "", exposed=False)) == [Verdict.ok] * 2
    for part in ({"apns_key": None}, {"apns_key_id": ""}, {"apns_team_id": ""}):
        assert judged(replace(whole, **part))[0] is Verdict.fail
    assert (
        judged(whole, KeyFile("MUSTER_APNS_KEY", "no such file", exposed=False))[0] is Verdict.fail
    )
    assert judged(whole, KeyFile("MUSTER_APNS_KEY", "", exposed=True))[0] is Verdict.warn


def test_few_file_descriptors_are_a_warning() -> None:
    """A socket is a descriptor."""
    assert doctor.of_files(1_024, 20_000).verdict is Verdict.ok
    assert doctor.of_files(256, 1_024).verdict is Verdict.warn


def test_a_media_store_out_of_reach_fails() -> None:
    """And a CDN whose addresses never end is warned of."""
    assert doctor.of_media("bucket b", "", guarded=True).verdict is Verdict.ok
    away = doctor.of_media("bucket b", "no answer", guarded=True)
    assert (away.verdict, bool(away.advice)) == (Verdict.fail, True)
    assert doctor.of_media("bucket b", "", guarded=False).verdict is Verdict.warn
