"""The OpenAPI document says what the REST door does, whoever asks: no surprise, no fault, nothing of others'."""

from random import SystemRandom

import pytest

from tests.schema.__main__ import installed, run


@pytest.mark.prove
@pytest.mark.timeout(900)
async def test_the_document_holds_whoever_asks() -> None:
    """Every operation, with what fits its schema and what does not, by nobody, by somebody and by an admin."""
    seed = SystemRandom().randrange(2**31)
    print(f"python -m tests.schema --examples 10 --seed {seed}")
    assert installed(), "schemathesis is not installed here"
    assert await run(10, seed) == 0
