"""The lede: two or three short paragraphs that a minister may read alone."""

from collections.abc import Sequence

from touchstone.editions.audience_case import AudienceCase, counted, listed, number, plain
from touchstone.editions.event_text import designation_in_words, event_sentence
from touchstone.editions.page import ResultRow
from touchstone.editions.sections.designation import never_asked, silent
from touchstone.editions.sections.timeline import accounting
from touchstone.editions.sections.unmeasured import unmeasured_sentences
from touchstone.editions.sentences import sentence
from touchstone.framework import DeclaredCriterion
from touchstone.handin import day_written
from touchstone.statistics import VerdictWord

VOLUNTARY = "The review is voluntary, and releasing stays the developer's own act."


def summary(case: AudienceCase, results: Sequence[ResultRow]) -> tuple[str, ...]:
    """What was measured and came out; what was proposed and decided; whose word is missing."""
    if case.state.submission is None:
        return _closed(case)
    paragraphs = (_measured(case, results), _decided(case), _missing(case))
    return tuple(paragraph for paragraph in paragraphs if paragraph)


def _closed(case: AudienceCase) -> tuple[str, ...]:
    """For an audience that may not even read what was handed in."""
    counts = accounting(case)
    opened = [
        f"On {day_in_words(entry.event.at[:10])}, {case.name(entry.event.actor)}: "
        f"{event_sentence(entry.event, case.names, case.titles, entry.texts())}"
        for entry in case.entries
        if entry.visible
    ]
    first = (
        f"A review took place under a voluntary framework. Of the {counts.entries} entries of its "
        f"record, {case.name(case.audience.name)} may read {counted(len(opened))}."
    )
    why = (
        "The rest is marked for the parties of the case. It is withheld here, not absent: every "
        "entry has its place below and its proof in the bundle, but neither its content nor its "
        "subject is shown until those whom it is marked for agree to publish it."
    )
    most = 5
    return (first, *opened[:most], why)


def _measured(case: AudienceCase, results: Sequence[ResultRow]) -> str:
    received = case.state.submission
    what = f"{received.model} of {case.name(received.actor)}" if received else "The model"
    wanting = unmeasured_sentences(case)
    results = [row for row in results if row.verdict != "reference" and _told(case, row)]
    if not results:
        measured = (
            "Nothing has been measured so far."
            if case.whole
            else "No measurement may be read here."
        )
        return f"{what} was handed in for review. {' '.join(wanting) or measured}"
    criteria = number(len({row.criterion for row in results}), "criterion", "criteria")
    modes = number(len({row.mode for row in results}), "mode")
    centres = listed([case.name(centre) for centre in case.state.having("centre")])
    who = centres or "The centre"
    if all(row.verdict == "no-threshold" for row in results):
        subjects = number(len({row.criterion for row in results}), "capability", "capabilities")
        first = (
            f"{who} measured {subjects} of {what} in {modes}. The framework discloses no "
            "threshold, so nothing is concluded from the numbers."
        )
    else:
        first = f"{who} measured {what} on {criteria} in {modes}. {_came_out(results)}"
    return " ".join([first, *wanting])


def _told(case: AudienceCase, row: ResultRow) -> bool:
    """Whether a row is said to have been measured: enough for a verdict, where one was to come."""
    if not row.measured or row.verdict == VerdictWord.NOT_MEASURED:
        return False
    return row.verdict != "not-reached" or not case.whole


def _came_out(results: Sequence[ResultRow]) -> str:
    modes = list(dict.fromkeys(row.mode for row in results))
    said = []
    for mode in modes:
        rows = [row for row in results if row.mode == mode]
        parts = []
        for (words, zoned), kinds in WORDS.items():
            count = sum(row.verdict in kinds and _zoned(row) is zoned for row in rows)
            if count:
                parts.append(f"{words} {_of(count, len(rows))}")
        said.append(f"In {mode} mode it is {listed(parts)}.")
    return " ".join(said)


_OPEN = (VerdictWord.UNDETERMINED, VerdictWord.AT_CEILING)
WORDS = {
    ("above the threshold on", False): (VerdictWord.ABOVE,),
    ("above the threshold or within its zone on", True): (VerdictWord.ABOVE,),
    ("below the threshold on", False): (VerdictWord.BELOW,),
    ("below the threshold or within its zone on", True): (VerdictWord.BELOW,),
    ("within the zone around the threshold on", False): (VerdictWord.WITHIN_ZONE,),
    ("undecided on", False): _OPEN,
    ("without a verdict that may be read here on", False): ("not-reached",),
    ("held to no threshold on", False): ("no-threshold",),
}
"""Words, and whether they are those of a verdict that only claims so much, by kinds of verdict."""


def _zoned(row: ResultRow) -> bool:
    """Whether the word claims a rate that is short of the threshold by its zone."""
    return row.claimed not in {None, row.threshold}


def _of(count: int, all_of: int) -> str:
    if count == all_of:
        return f"all {counted(count)}" if count > 1 else "its one criterion"
    return f"{counted(count)} of {counted(all_of)}"


def _decided(case: AudienceCase) -> str:
    designating = case.state.designating
    said = []
    if designating.proposals:
        said.append(sentence("summary.proposed", designation=designating.proposals[-1].designation))
    if designating.decisions:
        last = designating.decisions[-1]
        said.append(
            f"{case.name(last.actor)} decided on {day_in_words(last.at[:10])}: "
            f"{designation_in_words(last.designation)}."
        )
    elif case.whole:
        said.append("Officials have not decided." if said else "No designation has been proposed.")
    for release in case.state.releases:
        whom = (
            "inside the developer"
            if release.scope == "internal"
            else ("to the public" if release.scope == "public" else "to partners")
        )
        said.append(
            f"{case.name(release.actor)} released the model {whom} on "
            f"{day_in_words(release.at[:10])}."
        )
    return " ".join(said)


def _missing(case: AudienceCase) -> str:
    said = []
    quiet = silent(case)
    if quiet and case.state.designating.proposals:
        was = "was" if len(quiet) == 1 else "were"
        has = "has" if len(quiet) == 1 else "have"
        said.append(
            f"{listed(quiet)} {was} asked to concur and {has} not answered; silence is not consent."
        )
    if (outside := never_asked(case)) and case.state.designating.proposals:
        takes = "it takes" if len(outside) == 1 else "they take"
        them = "it" if len(outside) == 1 else "them"
        said.append(
            f"The framework asks that {listed(outside)} concur; {takes} no part in this case, and "
            f"nobody asked {them}."
        )
    asked = [
        c
        for c in (case.framework.criteria if case.framework else ())
        if isinstance(c, DeclaredCriterion)
    ]
    undeclared = [c for c in asked if c.id not in case.state.declared]
    if undeclared and case.whole:
        domains = listed(list(dict.fromkeys(plain(c.domain) for c in undeclared)))
        count = number(len(undeclared), "criterion", "criteria").capitalize()
        rest, them = ("rests", "it") if len(undeclared) == 1 else ("rest", "them")
        said.append(
            f"{count} ({domains}) {rest} on evidence that nobody has declared, and nobody "
            f"measured {them}."
        )
    said.append(VOLUNTARY)
    return " ".join(said)


def day_in_words(day: str) -> str:
    """A day as people say it, `21 November 2026`."""
    read = day_written(day)
    return f"{read.day} {read:%B %Y}"
