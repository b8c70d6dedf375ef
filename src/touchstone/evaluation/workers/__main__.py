"""`python -m touchstone.evaluation.workers`: run chunks from stdin until it closes."""

import sys

from touchstone.evaluation.workers.process import main

if __name__ == "__main__":
    sys.exit(main())
