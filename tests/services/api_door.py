"""The stand-in api: `python -m tests.services.api_door`."""

import os

from tests.services.door import main

if __name__ == "__main__":
    main(int(os.environ.get("MUSTER_API_PORT", "8000")))
