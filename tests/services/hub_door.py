"""The stand-in hub: `python -m tests.services.hub_door`."""

import os

from tests.services.door import main

if __name__ == "__main__":
    main(int(os.environ.get("MUSTER_HUB_PORT", "8101")))
