"""Owns where the SQL of a migration lies: one directory per step, files run in the order of names.

It never runs anything: migrations/ does. A released file is never edited; the next step corrects.
"""

from importlib.resources import files


def scripts(step: str) -> list[tuple[str, str]]:
    """The (name, SQL) of every file of a step, in the order they run."""
    directory = files(__name__).joinpath(step)
    names = sorted(item.name for item in directory.iterdir() if item.name.endswith(".sql"))
    return [(name, directory.joinpath(name).read_text("utf-8")) for name in names]
