"""Add vectors for types and schemas of events that have none: tests/vectors/events/events.jsonl.

What is stored is what versions wrote, and stays. Where a type is at a new schema, what this version
reads in the stored facts of older ones is worked out anew: look at the difference.

    python scripts/make_event_vectors.py
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from support.event_vectors import PATH, added, examples, lines, stored
from touchstone.review import read_event


def main() -> None:
    """Write them."""
    again = [each._replace(read=read_event(each.facts).facts()) for each in stored()]
    PATH.write_text(lines(added(again, examples())), "utf-8")


if __name__ == "__main__":
    main()
