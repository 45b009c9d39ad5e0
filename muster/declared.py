"""Owns how a setting is declared, and how its text is read and written.

It never knows any one setting (muster/config.py does) and never reads the environment.
"""

import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

PREFIX = "MUSTER_"

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


class SettingsError(ValueError):
    """A setting has a value it cannot have; the message is one plain sentence."""


def setting(
    default: Any,
    meaning: str,
    *,
    env: str | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
    choices: tuple[str, ...] = (),
    secret: bool = False,
) -> Any:
    """Declare one field of `Settings`; a secret stays out of its repr and of `muster settings`."""
    metadata = {
        "meaning": meaning,
        "env": env,
        "at_least": at_least,
        "at_most": at_most,
        "choices": choices,
        "secret": secret,
    }
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True)
class Declaration:
    """One setting as declared: what `muster settings` lists and `from_env` obeys."""

    name: str
    env: str
    default: Any
    meaning: str
    secret: bool
    _type: Any
    _limits: Mapping[str, Any]

    def parse(self, raw: str) -> Any:
        """The value `raw` stands for, or a `SettingsError` that says what was expected."""
        if raw == "" and self.default is None:
            return None
        try:
            value = _PARSERS[self._type](raw)
        except ValueError:
            raise self._error(raw, f"must be {_EXPECTED[self._type]}") from None
        at_least, at_most = self._limits["at_least"], self._limits["at_most"]
        if at_least is not None and not value >= at_least:
            raise self._error(raw, f"must be at least {at_least}")
        if at_most is not None and not value <= at_most:
            raise self._error(raw, f"must be at most {at_most}")
        if self._limits["choices"] and value not in self._limits["choices"]:
            raise self._error(raw, f"must be one of {', '.join(self._limits['choices'])}")
        return value

    def write(self, value: Any) -> str:
        """The text that `parse` turns back into `value`."""
        if isinstance(value, bool):
            return "1" if value else "0"
        if isinstance(value, tuple):
            return ",".join(value)
        return "" if value is None else str(value)

    def _error(self, raw: str, expectation: str) -> SettingsError:
        shown = "the given value" if self.secret else repr(raw)
        return SettingsError(f"{self.env} {expectation}, not {shown}: {self.meaning}.")


def declarations_of(settings: type[Any]) -> Iterator[Declaration]:
    """Every setting, in the order declared."""
    hints = typing.get_type_hints(settings)
    for declared in fields(settings):
        yield _declaration(declared, hints[declared.name])


def _declaration(declared: "Field[Any]", annotation: Any) -> Declaration:
    if declared.default is MISSING:
        raise TypeError(f"{declared.name} was not declared with setting()")
    if isinstance(annotation, types.UnionType):  # `Path | None`: None is only ever the default
        annotation = next(part for part in annotation.__args__ if part is not type(None))
    return Declaration(
        name=declared.name,
        env=declared.metadata["env"] or PREFIX + declared.name.upper(),
        default=declared.default,
        meaning=declared.metadata["meaning"],
        secret=declared.metadata["secret"],
        _type=annotation,
        _limits=declared.metadata,
    )


def _switch(raw: str) -> bool:
    if raw.lower() in _TRUE:
        return True
    if raw.lower() in _FALSE:
        return False
    raise ValueError(raw)


def _words(raw: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in raw.split(",") if word.strip())


_PARSERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    int: int,
    float: float,
    bool: _switch,
    Path: Path,
    tuple[str, ...]: _words,
}
_EXPECTED: Mapping[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "1 or 0",
    Path: "a path",
    tuple[str, ...]: "a comma-separated list",
}
