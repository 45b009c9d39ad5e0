"""`python -m muster` is `muster`. It owns nothing and never will."""

import sys

from muster.cli.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
