"""docs/runbook.md names metrics that there are, says what to do, and the rules for Prometheus are the same."""

import re
from pathlib import Path

import pytest
import yaml

from muster.config import declarations
from tests.architecture import alerts

_PAGE = alerts.RUNBOOK.read_text("utf-8")
_METRICS = (Path(alerts.RUNBOOK).parent / "metrics.md").read_text("utf-8")
_ALERTS = alerts.alerts(_PAGE)
_NAME = re.compile(r"\b(?:muster|process)_[a-z_]+\b")
_SUFFIX = re.compile(r"_(bucket|sum|count)$")


def _known() -> dict[str, str]:
    """The kind of every metric there is; test_metrics.py holds docs/metrics.md to what the processes say."""
    return dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", _METRICS, re.MULTILINE))


def test_every_metric_named_is_there() -> None:
    """A histogram also by its parts; no other metric has any."""
    known = _known()
    for name in _NAME.findall(_PAGE):
        part = _SUFFIX.sub("", name)
        assert name in known or known.get(part) == "histogram", name


@pytest.mark.parametrize("alert", _ALERTS, ids=lambda alert: alert.name)
def test_an_alert_is_complete(alert: alerts.Alert) -> None:
    """Metric, threshold, meaning, first action, and when to wake somebody."""
    assert set(alert.points) == {"metric", "fires", "means", "first", "wake somebody"}
    assert all(alert.points.values())
    assert _NAME.search(alert.points["metric"])
    assert "`" in alert.points["first"], "something that can be typed"


@pytest.mark.parametrize("alert", _ALERTS, ids=lambda alert: alert.name)
def test_an_expression_fits_its_metrics(alert: alerts.Alert) -> None:
    """Counters by their rate, histograms by buckets, gauges as they are; brackets are closed."""
    known = _known()
    expression = alert.expression
    for opened, closed in ("()", "[]", "{}"):
        assert expression.count(opened) == expression.count(closed)
    for match in re.finditer(
        r"(\w+\()?\b((?:muster|process)_[a-z_]+)(\{[^}]*\})?(\[)?", expression
    ):
        kind = known.get(match[2], "histogram")
        ranged = match[4] == "["
        if match[1] == "max_over_time(":
            assert (kind, ranged) == ("gauge", True), match[0]
            continue
        assert ranged == (kind in ("counter", "histogram")), match[0]
        assert not ranged or match[1] in ("rate(", "increase("), match[0]


def test_there_are_seventeen_and_no_two_are_one() -> None:
    """What nobody would act on is not an alert."""
    assert len({alert.name for alert in _ALERTS}) == len(_ALERTS) == 17
    assert {alert.severity for alert in _ALERTS} == {"page", "ticket"}


def test_the_rules_are_the_pages() -> None:
    """The file is generated, never edited."""
    rules = alerts.RULES.read_text("utf-8")
    assert rules == alerts.rules(_PAGE), "run: python -m tests.architecture.alerts"


def test_prometheus_can_read_the_rules() -> None:
    """One group; each rule with the keys that Prometheus knows."""
    [group] = yaml.safe_load(alerts.RULES.read_text("utf-8"))["groups"]
    assert set(group) == {"name", "rules"}
    for rule, alert in zip(group["rules"], _ALERTS, strict=True):
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert (rule["alert"], rule["expr"]) == (alert.name, alert.expression)


def test_every_setting_named_is_one() -> None:
    """Misspelt ones do nothing."""
    settings = {declared.env for declared in declarations()}
    assert set(re.findall(r"MUSTER_[A-Z0-9_]+", _PAGE)) <= settings


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`muster ([a-z]+)", _PAGE))))
def test_every_command_named_is_one(command: str) -> None:
    """`muster X`, for every X."""
    assert (Path(alerts.RUNBOOK).parents[1] / "muster" / "cli" / f"{command}.py").exists()
