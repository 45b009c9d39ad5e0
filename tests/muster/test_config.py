"""The claims of muster/config.py."""

from dataclasses import replace
from pathlib import Path

import pytest

from muster.config import Settings, declarations, hide_password, unknown_names
from muster.setting import SettingsError


def test_without_an_environment_every_setting_has_its_default() -> None:
    """An empty mapping is as good as none."""
    assert Settings.from_env({}) == Settings()


def test_what_is_written_for_a_child_is_read_back_the_same() -> None:
    """`to_env` and `from_env` are inverse, for every type a setting has."""
    settings = replace(
        Settings(),
        data_dir=Path("/somewhere"),
        keys_dir=Path("/keys"),
        hubs=7,
        heartbeat_s=1.5,
        lan=True,
        rate_limits=False,
        allowed_origins=("https://a.example", "https://b.example"),
        database_url="postgresql://a:b@c/d",
    )
    assert Settings.from_env(settings.to_env()) == settings


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MUSTER_HUBS", "many", "must be a whole number, not 'many'"),
        ("MUSTER_HUBS", "0", "must be at least 1"),
        ("MUSTER_API_PORT", "65536", "must be at most 65535"),
        ("MUSTER_HEARTBEAT_S", "nan", "must be at least 0.1"),
        ("MUSTER_LAN", "perhaps", "must be 1 or 0"),
        ("MUSTER_LOG_LEVEL", "loud", "must be one of debug, info, warning, error"),
    ],
)
def test_a_value_that_cannot_be_is_one_plain_sentence(name: str, value: str, expected: str) -> None:
    """It names the variable, what was expected and what it means."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_env({name: value})
    assert str(refused.value).startswith(f"{name} {expected}")
    assert "\n" not in str(refused.value)


def test_an_unknown_name_is_answered_with_the_nearest_known_one() -> None:
    """A misspelt variable must not be ignored in silence."""
    (sentence,) = unknown_names({"MUSTER_HUB_PROT": "1", "HOME": "/"})
    assert "MUSTER_HUB_PORT" in sentence


def test_secrets_stay_out_of_the_representation() -> None:
    """A Settings in a log line or a traceback shows no password."""
    settings = Settings.from_env({"MUSTER_DATABASE_URL": "postgresql://a:hunter2@c/d"})
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://a:b@c:1/d", "postgresql://a:***@c:1/d"),
        ("redis://:b@c:1/0", "redis://:***@c:1/0"),
        ("redis://c:1/0", "redis://c:1/0"),
        ("postgresql://a:b@b/b@c:1/d", "postgresql://a:***@c:1/d"),
        ("postgresql://c/d?user=a&password=b", "postgresql://c/d?user=a&password=***"),
        ("postgresql://c/d?sslpassword=b&x=1", "postgresql://c/d?sslpassword=***&x=1"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    """Which and where, and nothing more."""
    assert hide_password(url) == shown


def test_every_setting_says_what_it_means() -> None:
    """`muster settings` has no empty line."""
    assert all(declared.meaning for declared in declarations())


def test_an_android_app_is_named_with_its_certificates() -> None:
    """One without the other would open no link."""
    for name in ("MUSTER_ANDROID_PACKAGE", "MUSTER_ANDROID_CERT_SHA256"):
        with pytest.raises(SettingsError, match="both or neither"):
            Settings.from_env({name: "x"})


@pytest.mark.parametrize(
    "environment",
    [
        {"MUSTER_BACKUP_DIR": "/b", "MUSTER_BACKUP_S3_BUCKET": "b"},
        {"MUSTER_BACKUP_S3_KEY": "k"},
        {"MUSTER_BACKUP_KEY": "k", "MUSTER_BACKUP_KEY_FILE": "/k"},
    ],
)
def test_backups_have_one_place_and_one_source_of_keys(environment: dict[str, str]) -> None:
    """Two would leave open which counts."""
    with pytest.raises(SettingsError, match="MUSTER_BACKUP"):
        Settings.from_env(environment)


@pytest.mark.parametrize(
    "origin",
    ["https://app.example/", "https://App.example", "app.example", "null", "https://a.example/b"],
)
def test_an_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    """It would match nothing, and nobody would know why; `null` would match every sandboxed frame."""
    with pytest.raises(SettingsError, match="MUSTER_ALLOWED_ORIGINS"):
        Settings.from_env({"MUSTER_ALLOWED_ORIGINS": origin})
    fine = "https://app.example:8443,http://[::1]:8000,capacitor://localhost,*"
    assert len(Settings.from_env({"MUSTER_ALLOWED_ORIGINS": fine}).allowed_origins) == 4


def test_a_master_key_comes_from_one_place() -> None:
    """Of two nobody would know which was meant; what it is stays out of repr."""
    both = {"MUSTER_MASTER_KEY": "ab" * 32, "MUSTER_MASTER_KEY_FILE": "/k"}
    with pytest.raises(SettingsError, match="not both") as refused:
        Settings.from_env(both)
    assert "ab" * 32 not in str(refused.value)
    assert "ab" * 32 not in repr(Settings.from_env({"MUSTER_MASTER_KEY": "ab" * 32}))
