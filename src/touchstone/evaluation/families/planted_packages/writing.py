"""What a subject is given to read: the calls' program in its words, what calls mean, examples."""

import re
from collections.abc import Mapping, Sequence

from touchstone.evaluation.families.planted_packages.packages import Package
from touchstone.evaluation.families.twins import resource


def calls_text(package: Package, names: Mapping[str, str]) -> str:
    """The program that answers calls, with the names that the package's program has."""
    text = resource(__package__, f"programs/calls_{package.language}.tmpl").decode("utf-8")
    return re.sub(r"@(\w+)@", lambda found: names.get(found[1], found[1]), text)


def about_text(package: Package) -> str:
    """What each call is to do, in words of ours."""
    return resource(__package__, f"programs/about_{package.name}.txt").decode("utf-8")


def examples_text(calls: Sequence[str], answers: Sequence[str]) -> str:
    """Calls and their right answers, as a subject is given them: two lines each."""
    return "".join(f"{call}\n= {answer}\n" for call, answer in zip(calls, answers, strict=True))
