"""Make a new signing key; access tokens are signed with it once api processes are started again.

It never removes a key: tokens signed with the old one stay valid until they run out.
"""

import argparse
import sys

from muster.config import Settings
from muster.keys import KeysError, new_key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose: where keys are kept is MUSTER_KEYS_DIR."""


def run(_args: argparse.Namespace, settings: Settings) -> int:
    """Make the key and say which."""
    try:
        settings.keys_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        kid = new_key(settings.keys_path)
    except (OSError, KeysError) as error:
        print(f"muster: no key was made: {error}", file=sys.stderr)
        return 1
    print(f"{settings.keys_path / kid}.pem")
    return 0
