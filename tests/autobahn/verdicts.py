"""What wstest found: its index of cases, counted, and as a page.

Owns what counts as a failure: everything Autobahn does not call OK, non-strict, informational or unimplemented
(which none of the cases asked for is), the closing handshake included. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

PASSED: Final = frozenset({"OK", "NON-STRICT", "INFORMATIONAL"})


class Verdict(NamedTuple):
    """One case of one run: how it behaved, and how it ended."""

    run: str
    case: str
    behavior: str
    ending: str

    @property
    def failed(self) -> bool:
        return not {self.behavior, self.ending} <= PASSED


def read(run: str, index: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[Verdict]:
    """The verdicts of one index.json, in the order of cases."""
    cases = [(case, each) for agent in index.values() for case, each in agent.items()]
    cases.sort(key=lambda pair: [int(part) for part in pair[0].split(".")])
    return [Verdict(run, case, each["behavior"], each["behaviorClose"]) for case, each in cases]


def page(verdicts: Iterable[Verdict], suite: str) -> str:
    """docs/autobahn.md."""
    verdicts = list(verdicts)
    lines = [
        "# Autobahn's suite",
        "",
        f"Written by `make autobahn` ({suite}): the hub's own listener, handshake, driver and inlet with a receiver",
        "that says everything again. Text goes to `muster.v1.json`, binary to `muster.v1.msgpack`, as each takes no",
        "other. Left out are compression (12, 13: never agreed to) and, in the runs with the bounds of production,",
        "messages over 64 KiB or of more than 256 fragments (most of 9), which are refused with 1009 and 4509;",
        "the last two runs have these with the bounds raised.",
        "",
        "| run | cases | failed | OK | non-strict | informational |",
        "|---|---|---|---|---|---|",
    ]
    runs = dict.fromkeys(each.run for each in verdicts)
    lines += [_row(run, [each for each in verdicts if each.run == run]) for run in runs]
    lines.append(_row("all", verdicts))
    for title, behavior in (
        ("Failed", None),
        ("Non-strict", "NON-STRICT"),
        ("Informational", "INFORMATIONAL"),
    ):
        named = [
            f"{each.case} ({each.run})"
            for each in verdicts
            if (each.failed if behavior is None else each.behavior == behavior and not each.failed)
        ]
        lines += ["", f"{title}: {', '.join(named) or 'none'}."]
    return "\n".join([*lines, ""])


def _row(run: str, verdicts: list[Verdict]) -> str:
    failed = sum(each.failed for each in verdicts)
    counted = Counter(each.behavior for each in verdicts if not each.failed)
    shown = [
        len(verdicts),
        failed,
        *(counted[name] for name in ("OK", "NON-STRICT", "INFORMATIONAL")),
    ]
    return f"| {run} | " + " | ".join(map(str, shown)) + " |"
