"""One of several processes that answer: `python -m touchstone.portal.worker JSON`."""

import sys

from touchstone.portal.site import PORTAL
from touchstone.server.worker import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1], PORTAL))
