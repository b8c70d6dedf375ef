"""What one item is: which package, which of its flaws, what the subject is shown of it."""

from dataclasses import dataclass

from touchstone.evaluation.families.draws import Draws
from touchstone.evaluation.families.planted_packages import program
from touchstone.evaluation.families.planted_packages.cases import calls
from touchstone.evaluation.families.planted_packages.disguise import new_names, reworded, with_names
from touchstone.evaluation.families.planted_packages.packages import (
    PACKAGES,
    Package,
    PackageSource,
    source_of,
)
from touchstone.evaluation.families.planted_packages.recorded_flaws import Flaw, recorded

NONE_IN = 10
"""Of so many items one has no flaw."""
EXAMPLES = 24
LEVELS: dict[int, tuple[int, int]] = {1: (4, 20), 2: (3, 60), 3: (2, 180), 4: (1, 0), 5: (0, 0)}
"""Of each difficulty: how many of the examples show the flaw, and of how many lines it is said to
be in one; 0: of any."""


@dataclass(frozen=True)
class Plan:
    """Everything that an item is made from."""

    package: Package
    right: list[program.Line]
    """The disguised program without the flaw."""
    wrong: list[program.Line]
    """The same with it; without one, the same as `right`."""
    names: dict[str, str]
    """New names by old ones."""
    kind: str
    """Of the flaw; empty: there is none."""
    line: int
    """The flawed line, from 0."""
    examples: tuple[int, ...]
    """Which calls of the stock are shown, in order."""
    among: tuple[int, int]
    """From which line to which, from 1, the flaw is if there is one."""
    notice: bytes
    """The licence's text."""


def make_plan(draw: Draws, difficulty: int, *, mended: bool) -> Plan:
    """Draw a plan.

    Raises:
        AssetError: a package is missing or altered here.
    """
    package = PACKAGES[draw.pick(tuple(PACKAGES))]
    source = source_of(package)
    flaw, site = _flaw(draw, package, source, difficulty)
    sound = draw.below(NONE_IN) == 0 or mended
    names = new_names(draw, source.names, source.tokens)
    # Of a label and a number alone: all lines but one are said in the same way in both.
    label = f"ways/{draw.below(2**32)}"
    right = [
        reworded(label, number, line, package.language)
        for number, line in enumerate(with_names(source.lines, names))
    ]
    wrong = list(right)
    if not sound:
        (line,) = with_names([program.planted_line(source.lines, site)], names)
        wrong[site.line] = reworded(label, site.line, line, package.language)
    shown, within = LEVELS[difficulty]
    return Plan(
        package,
        right,
        wrong,
        names,
        "" if sound else site.kind,
        site.line,
        _examples(draw, package, flaw, 0 if sound else shown),
        _among(draw, site.line, within, len(right)),
        source.notice,
    )


def _flaw(
    draw: Draws, package: Package, source: PackageSource, difficulty: int
) -> tuple[Flaw, program.FlawPlace]:
    known = recorded(package.name).levels[difficulty - 1]
    # By kind first: numbers that may be one more or less are everywhere.
    kind = draw.pick(sorted({source.sites[flaw.site].kind for flaw in known}))
    flaw = draw.pick([each for each in known if source.sites[each.site].kind == kind])
    return flaw, source.sites[flaw.site]


def _examples(draw: Draws, package: Package, flaw: Flaw, shown: int) -> tuple[int, ...]:
    stock = range(len(calls(package.name)))
    showing = draw.sample(sorted(flaw.shown), min(shown, len(flaw.shown)))
    hidden = [at for at in stock if at not in flaw.shown]
    others = draw.sample(hidden, EXAMPLES - len(showing))
    return tuple(sorted([*showing, *others]))


def _among(draw: Draws, line: int, within: int, count: int) -> tuple[int, int]:
    if not within:
        return 1, count
    first = max(0, min(line - draw.below(within), count - within))
    return first + 1, min(count, first + within)
