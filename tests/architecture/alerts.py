"""Owns deploy/alerts.yaml: the alerts of docs/runbook.md as rules of Prometheus.

`python -m tests.architecture.alerts` writes it anew; test_runbook.py fails while it differs from the page.
"""

import json
import re
from pathlib import Path
from typing import Final, NamedTuple

_ROOT: Final = Path(__file__).parents[2]
RUNBOOK: Final = _ROOT / "docs" / "runbook.md"
RULES: Final = _ROOT / "deploy" / "alerts.yaml"
_FIRES: Final = re.compile(r"- \*\*Fires\*\* when `([^`]+)` for `(\d+[ms])`: `(page|ticket)`\.")
_HEAD: Final = """\
# Rules for Prometheus, made of docs/runbook.md by `python -m tests.architecture.alerts`. Edit that page, not this file.
groups:
  - name: muster
    rules:
"""


class Alert(NamedTuple):
    """One section of the runbook. `points` are its bold words with what follows them, in one line each."""

    name: str
    expression: str
    held: str
    severity: str
    points: dict[str, str]


def alerts(page: str) -> list[Alert]:
    """The alerts of the page. Raises `ValueError` where a section does not say when it fires."""
    found = []
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        name, _, text = section.partition("\n")
        if not name.startswith("Muster"):
            continue
        fires = _FIRES.search(text)
        if fires is None:
            raise ValueError(f"{name} does not say when it fires")
        points = {
            match[1].lower(): " ".join(match[2].split())
            for match in re.finditer(
                r"^- \*\*([\w ]+)\*\*:?(.*?)(?=^- |\Z)", text, re.MULTILINE | re.DOTALL
            )
        }
        found.append(Alert(name, fires[1], fires[2], fires[3], points))
    return found


def rules(page: str) -> str:
    """deploy/alerts.yaml. Strings are written as JSON, which YAML reads as well."""
    text = _HEAD
    for alert in alerts(page):
        text += f"""\
      - alert: {alert.name}
        expr: {json.dumps(alert.expression)}
        for: {alert.held}
        labels:
          severity: {alert.severity}
        annotations:
          summary: {json.dumps(alert.points["means"])}
          runbook: docs/runbook.md#{alert.name.lower()}
"""
    return text


if __name__ == "__main__":
    RULES.write_text(rules(RUNBOOK.read_text("utf-8")), "utf-8")
