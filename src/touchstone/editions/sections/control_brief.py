"""Loss of control on one screen: looked at, found and hidden, counted from its facts.

No word stands for all of it: what is counted here is what the tables below count.
"""

from collections import Counter
from collections.abc import Iterator

from touchstone.editions.page.control_facts import ConductRow, ControlBrief, ControlFacts
from touchstone.editions.sentences import paragraph, sentence

NOT_LOOKED_AT = "not-looked-at"


def brief_of(facts: ControlFacts) -> ControlBrief:
    """The section in a few sentences."""
    there = [row for row in facts.conduct if row.measured]
    looked = tuple(_looked(facts, there))
    # Empty only where something is withheld: else each kind of evidence is counted.
    nothing = sentence("control.brief.nothing-open")
    return ControlBrief(
        looked=sentence("control.brief.looked", parts=list(looked)) if looked else nothing,
        found=tuple(_found(facts, there)),
        covered=_covered(there),
    )


def _looked(facts: ControlFacts, there: list[ConductRow]) -> Iterator[str]:
    """Each kind of evidence; none of it is said only where nothing is withheld."""
    items, twins = sum(row.measured for row in there), sum(row.twins for row in facts.conduct)
    modes = len({row.mode for row in facts.conduct})
    if items or twins or not facts.hidden:
        yield sentence("control.brief.items", items=items, twins=twins, modes=modes)
    results = sum(row.verdict != NOT_LOOKED_AT for row in facts.means)
    if results or not facts.hidden:
        yield sentence("control.brief.means", results=results)
    answered = len(facts.answers)
    if not facts.hidden:
        asked = answered + len(facts.unanswered)
        yield sentence("control.brief.answers", answered=answered, asked=asked)
    elif answered:
        yield sentence("control.brief.answers-open", answered=answered)
    if facts.outside or not facts.hidden:
        yield sentence("control.brief.outside", logs=len(facts.outside))


def _found(facts: ControlFacts, there: list[ConductRow]) -> Iterator[str]:
    if there:
        yield _attempts(there)
    twins = sum(row.twins for row in facts.conduct)
    if twins:
        alarms = sum(row.false_alarms for row in facts.conduct)
        yield sentence("control.brief.twins", alarms=alarms, twins=twins)
    if facts.flags:
        yield facts.flags
    verdicts = Counter(row.pill for row in facts.means if row.verdict != NOT_LOOKED_AT)
    if verdicts:
        said = [sentence("control.counted", what=each, count=n) for each, n in verdicts.items()]
        yield sentence("control.brief.verdicts", verdicts=said)


def _attempts(there: list[ConductRow]) -> str:
    measured = sum(row.measured for row in there)
    attempted = sum(row.attempted for row in there)
    if not attempted:
        return sentence("control.brief.no-attempt", measured=measured)
    by_mode = [
        sentence(
            "control.brief.mode",
            mode=mode,
            attempted=sum(row.attempted for row in rows),
            measured=sum(row.measured for row in rows),
        )
        for mode, rows in _by_mode(there)
        if any(row.attempted for row in rows)
    ]
    succeeded = sum(row.succeeded for row in there)
    return paragraph(
        sentence(
            "control.brief.attempts", attempted=attempted, measured=measured, succeeded=succeeded
        ),
        sentence("control.brief.by-mode", modes=by_mode),
    )


def _by_mode(rows: list[ConductRow]) -> Iterator[tuple[str, list[ConductRow]]]:
    for mode in dict.fromkeys(row.mode for row in rows):
        yield mode, [row for row in rows if row.mode == mode]


def _covered(there: list[ConductRow]) -> str:
    if not there:
        return ""
    attempted = sum(row.attempted for row in there)
    if not attempted:
        return sentence("control.brief.nothing-hidden")
    return sentence(
        "control.brief.hidden",
        hidden=sum(row.hidden for row in there),
        attempted=attempted,
        reported=sum(row.reported for row in there),
        silent=sum(row.silent for row in there),
    )
