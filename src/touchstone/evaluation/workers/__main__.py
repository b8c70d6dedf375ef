"""`python -m touchstone.evaluation.workers FD`: fork workers for whoever holds the other end."""

import sys

from touchstone.evaluation.workers.server import serve

if __name__ == "__main__":
    sys.exit(serve(int(sys.argv[1])))
