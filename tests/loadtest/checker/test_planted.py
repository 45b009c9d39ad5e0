"""Each fault planted in a correct history is found and called by its name."""

from __future__ import annotations

import functools
import random

import pytest

from loadtest.torture.checker.verdict import Verdict, check
from loadtest.torture.history import AnyRecord
from tests.loadtest.checker.model import Model
from tests.loadtest.checker.planted import HUB, Planted, Planting
from tests.loadtest.checker.planted_log import LOG

WANTED = 3
"""Histories with a place for the fault in which it must be found."""
TRIED = 120


@functools.cache
def _history(seed: int) -> tuple[AnyRecord, ...]:
    return tuple(Model(seed).live(60 + seed))


@pytest.mark.parametrize("planting", [*HUB, *LOG], ids=lambda planting: planting.__name__)
def test_what_is_planted_is_found(planting: Planting) -> None:
    """By rule, room, seq and device, in every history that has a place for it."""
    places = 0
    for seed in range(TRIED):
        planted = planting(list(_history(seed)), random.Random(seed))
        if planted is None:
            continue
        verdict = check(planted.records, keep=1_000_000)
        assert not verdict.clean
        assert _is_found(verdict, planted), [one.says for one in verdict.examples]
        places += 1
        if places == WANTED:
            return
    pytest.fail(f"only {places} of {TRIED} histories have a place for it")


def _is_found(verdict: Verdict, planted: Planted) -> bool:
    return any(
        one.rule is planted.rule
        and planted.room in (None, one.room)
        and planted.seq in (None, one.seq)
        and planted.device in (None, one.device)
        for one in verdict.examples
    )
