"""The REST door against its own document by what schemathesis makes up; at length: `python -m tests.schema`."""

from __future__ import annotations

from random import SystemRandom

import pytest

from loadtest.stack import Stack
from tests.schema.__main__ import compare


@pytest.mark.timeout(120)
@pytest.mark.asyncio(loop_scope="session")
async def test_the_document_holds_for_somebody(stack: Stack) -> None:
    """The short of it: an example of every operation, right and wrong, by somebody who tries ada's ids."""
    seed = SystemRandom().randrange(2**31)
    print(f"python -m tests.schema --seed {seed}")
    assert await compare(stack, 1, seed, ["schema-eve"], "fuzzing") == 0
