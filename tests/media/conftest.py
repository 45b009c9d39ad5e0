"""Owns nothing: the fixture that opens the REST door is that of tests/api."""

from tests.api.conftest import door

__all__ = ["door"]
