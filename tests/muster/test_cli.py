"""The claims of the command line itself, whatever its subcommands."""

import pytest

from muster.cli.__main__ import main


def test_help_lists_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    """Being a module of muster/cli is all it takes."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"], {})
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("up", "migrate", "settings"))


def test_an_unknown_subcommand_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """With exit code 2, as every misuse."""
    with pytest.raises(SystemExit) as ended:
        main(["fly"], {})
    assert ended.value.code == 2


def test_an_invalid_setting_is_a_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before anything is started."""
    assert main(["settings"], {"MUSTER_HUBS": "many"}) == 2
    assert capsys.readouterr().err.startswith("muster: MUSTER_HUBS must be a whole number")


def test_a_misspelt_setting_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """The command still does its work."""
    assert main(["settings"], {"MUSTER_HUBBS": "3"}) == 0
    assert "did you mean MUSTER_HUBS?" in capsys.readouterr().err


def test_settings_are_listed_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    """That there is one is shown, what it is is not."""
    assert main(["settings"], {"MUSTER_REDIS_URL": "redis://:hunter2@h/0"}) == 0
    shown = capsys.readouterr().out
    assert "MUSTER_REDIS_URL= (here ***)" in shown
    assert "hunter2" not in shown


def test_migrate_without_a_database_says_which_setting_it_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The embedded database is the business of `muster up`."""
    assert main(["migrate"], {}) == 2
    assert "MUSTER_DATABASE_URL" in capsys.readouterr().err
