"""How many files a process may have open: a socket is one, and the usual limit is 1,024.

Owns raising it. Must never raise what the system set as the most.
"""

from __future__ import annotations

import resource


def open_many_files() -> None:
    """As many as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
