"""What holds the loop up is seen, with nothing but a look now and then."""

import asyncio

from prometheus_client import CollectorRegistry

from muster.lateness import EVERY_S, Lateness


class Clock:
    """Time that a test makes pass."""

    def __init__(self) -> None:
        self.at = 0.0
        self.looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return self.at

    def now_ms(self) -> int:
        return 0


async def test_a_loop_that_was_held_up_is_told_as_late() -> None:
    """By as much as it came round later than asked for; a look in time counts as no delay."""
    registry, clock = CollectorRegistry(), Clock()
    lateness = Lateness(clock, registry)
    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(lateness.run())
        for passed in (EVERY_S, EVERY_S + 0.3):
            seen = clock.looks
            while clock.looks == seen:  # noqa: ASYNC110  # the look tells nobody
                await asyncio.sleep(0)
            clock.at += passed
        seen = clock.looks
        while clock.looks < seen + 2:  # noqa: ASYNC110  # likewise
            await asyncio.sleep(0)
        looking.cancel()

    def until(bound: str) -> float | None:
        return registry.get_sample_value("muster_loop_delay_seconds_bucket", {"le": bound})

    assert until("0.001") == 1
    assert until("0.2") == 1
    assert until("0.5") == 2


async def test_tasks_are_counted() -> None:
    """All of this loop."""
    registry = CollectorRegistry()
    Lateness(Clock(), registry)
    before = registry.get_sample_value("muster_tasks")
    assert before == len(asyncio.all_tasks())
    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(asyncio.sleep(0))
        assert registry.get_sample_value("muster_tasks") == before + 3
