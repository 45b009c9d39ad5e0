"""People of a benchmark are made in Postgres itself, each once."""

from random import Random

import pytest

from loadtest.bench.people import Cast
from loadtest.stack import Stack

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(60)]


async def test_two_casts_of_one_seed_are_told_apart(stack: Stack) -> None:
    """The second would be nobody, for the names are taken; what they do would seem to be the server's fault."""
    seed = Random().getrandbits(64)
    await Cast(stack.data, Random(seed)).register(2, lambda _: None)
    with pytest.raises(ExceptionGroup) as told:
        await Cast(stack.data, Random(seed)).register(2, lambda _: None)
    assert "two casts of one random seed" in str(told.value.exceptions[0])
