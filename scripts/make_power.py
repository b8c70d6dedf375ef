"""Write the table of detectors' power into docs/explanation/oversight.md.

python scripts/make_power.py           writes the page
python scripts/make_power.py --check   says whether it is current
"""

import re
import sys
from pathlib import Path

from touchstone.evaluation.oversight.labelled.power import MeasuredRate, measure_power

PAGE = Path(__file__).parents[1] / "docs" / "explanation" / "oversight.md"
BEGIN, END = "<!-- power -->", "<!-- end of power -->"


def told(rate: MeasuredRate) -> str:
    """`4 of 5 (.28 to .99)`."""
    if rate.bounds is None:
        return "none planted"
    low, high = (f"{bound:.2f}".removeprefix("0") for bound in rate.bounds)
    return f"{rate.flagged} of {rate.of} ({low} to {high})"


def table() -> str:
    """The rows, between their marks."""
    lines = ["| detector | easy found | hard found | false alarms |", "|---|---|---|---|"]
    lines += [
        f"| `{each.detector}` | {told(each.easy)} | {told(each.hard)} | {told(each.false_alarms)} |"
        for each in measure_power().detectors
    ]
    return "\n".join((BEGIN, "", *lines, "", END))


def main(given: list[str]) -> int:
    """Write the page, or with `--check` compare it."""
    page = PAGE.read_text("utf-8")
    found = re.compile(f"{re.escape(BEGIN)}(?:.*{re.escape(END)})?", re.DOTALL)
    text = found.sub(lambda _: table(), page, count=1)
    if given == ["--check"]:
        print("current" if text == page else "run python scripts/make_power.py")
        return int(text != page)
    PAGE.write_text(text, "utf-8")
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
