"""Write the detectors' power: a table in docs/explanation/oversight.md, and figures for reviews.

python scripts/make_power.py           writes both
python scripts/make_power.py --check   says whether both are current
"""

import re
import sys
from pathlib import Path

from touchstone.evaluation.oversight.labelled.power import measure_power
from touchstone.evaluation.oversight.power import KEPT, MeasuredPower, MeasuredRate

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "oversight.md"
FIGURES = ROOT / "src" / "touchstone" / "evaluation" / "oversight" / KEPT
BEGIN, END = "<!-- power -->", "<!-- end of power -->"


def told(rate: MeasuredRate) -> str:
    """`4 of 5 (.28 to .99)`."""
    if rate.bounds is None:
        return "none planted"
    low, high = (f"{bound:.2f}".removeprefix("0") for bound in rate.bounds)
    return f"{rate.flagged} of {rate.of} ({low} to {high})"


def figures(power: MeasuredPower) -> str:
    """The figures as data, which a review records beside its counts."""
    return power.model_dump_json(indent=1) + "\n"


def table(power: MeasuredPower) -> str:
    """The rows, between their marks."""
    lines = ["| detector | easy found | hard found | false alarms |", "|---|---|---|---|"]
    lines += [
        f"| `{each.detector}` | {told(each.easy)} | {told(each.hard)} | {told(each.false_alarms)} |"
        for each in power.detectors
    ]
    return "\n".join((BEGIN, "", *lines, "", END))


def main(given: list[str]) -> int:
    """Write page and figures, or with `--check` compare them."""
    power = measure_power()
    page = PAGE.read_text("utf-8")
    found = re.compile(f"{re.escape(BEGIN)}(?:.*{re.escape(END)})?", re.DOTALL)
    text = found.sub(lambda _: table(power), page, count=1)
    if given == ["--check"]:
        current = text == page and FIGURES.read_text("utf-8") == figures(power)
        print("current" if current else "run python scripts/make_power.py")
        return int(not current)
    PAGE.write_text(text, "utf-8")
    FIGURES.write_text(figures(power), "utf-8")
    print(f"wrote {PAGE.name} and {FIGURES.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
