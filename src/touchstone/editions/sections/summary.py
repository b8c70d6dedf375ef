"""The lede: two or three short paragraphs that a minister may read alone."""

from collections.abc import Sequence

from touchstone.editions.audience_case import AudienceCase, plain
from touchstone.editions.event_text import told_alone
from touchstone.editions.page import ResultRow
from touchstone.editions.sections.designation import never_asked, silent
from touchstone.editions.sections.signing_keys import key_sentences
from touchstone.editions.sections.timeline import accounting
from touchstone.editions.sections.unmeasured import unmeasured_sentences
from touchstone.editions.sentences import paragraph, sentence
from touchstone.framework import DeclaredCriterion
from touchstone.review.events.opening import SubmissionReceived
from touchstone.statistics import VerdictWord

MOST_EVENTS = 5
"""So many entries are told in the lede of an edition that opens little."""
Rows = Sequence[ResultRow]


def summary(case: AudienceCase, results: Sequence[ResultRow]) -> tuple[str, ...]:
    """What was measured and came out; what was proposed and decided; whose word is missing."""
    received = case.state.submission
    # Who may not read what was handed in may hardly read more: such an edition says what it opens,
    # and why the rest is not there.
    if received is None:
        return _closed(case)
    told = (_measured(case, received, results), _decided(case), _missing(case))
    paragraphs = (*told, paragraph(*key_sentences(case)))
    return tuple(paragraph for paragraph in paragraphs if paragraph)


def _closed(case: AudienceCase) -> tuple[str, ...]:
    """For an audience that may not even read what was handed in."""
    counts = accounting(case)
    opened = [told_alone(entry.event, case.names) for entry in case.entries if entry.visible]
    first = sentence(
        "summary.closed-first",
        entries=counts.entries,
        audience=case.name(case.audience.name),
        opened=len(opened),
    )
    keys = key_sentences(case)
    return (first, *opened[:MOST_EVENTS], *keys, sentence("summary.closed-why"))


def _measured(case: AudienceCase, received: SubmissionReceived, results: Rows) -> str:
    model = {"model": received.model, "developer": case.name(received.actor)}
    wanting = unmeasured_sentences(case)
    # References were measured to compare with, and nothing is claimed of them.
    results = [row for row in results if row.verdict != "reference" and _told(case, row)]
    if not results:
        return paragraph(
            sentence("summary.handed-in", **model), *(wanting or [_nothing_measured(case)])
        )
    criteria = len({row.criterion for row in results})
    measured = {**model, "centre": _centres(case), "modes": len({row.mode for row in results})}
    if all(row.verdict == "no-threshold" for row in results):
        return paragraph(
            sentence("summary.measured-capabilities", **measured, capabilities=criteria),
            sentence("summary.discloses-none"),
            *wanting,
        )
    return paragraph(
        sentence("summary.measured", **measured, criteria=criteria), *_came_out(results), *wanting
    )


def _nothing_measured(case: AudienceCase) -> str:
    if case.whole:
        return sentence("summary.none-measured")
    return sentence("summary.no-readable-measurement")


def _centres(case: AudienceCase) -> str:
    """The centres by name."""
    names = [case.name(centre) for centre in case.state.having("centre")]
    return sentence("list-of.and", items=names) if names else sentence("summary.the-centre")


def _told(case: AudienceCase, row: ResultRow) -> bool:
    """Whether a row is said to have been measured: enough for a verdict, where one was to come."""
    if not row.measured or row.verdict == VerdictWord.NOT_MEASURED:
        return False
    # Where all may be read and no word was reached, it is told as unmeasured, with its reason;
    # where not, the word may be withheld.
    return row.verdict != "not-reached" or not case.whole


def _came_out(results: Rows) -> list[str]:
    """In which modes the model is above, below or neither on how many criteria, a sentence each."""
    said = []
    for mode in dict.fromkeys(row.mode for row in results):
        rows = [row for row in results if row.mode == mode]
        parts = []
        for part, kinds, zoned in PARTS:
            count = sum(row.verdict in kinds and _zoned(row) is zoned for row in rows)
            if count:
                parts.append(_part(part, _of(count, len(rows))))
        said.append(sentence("summary.came-out", mode=mode, parts=parts))
    return said


def _part(part: str, of: str) -> str:
    if part == VerdictWord.WITHIN_ZONE:
        return sentence("summary.zone", word=part, of=of)
    return sentence("summary.part", part=part, of=of)


PARTS: tuple[tuple[str, tuple[str, ...], bool], ...] = (
    ("above", (VerdictWord.ABOVE,), False),
    ("above-or-zone", (VerdictWord.ABOVE,), True),
    ("below", (VerdictWord.BELOW,), False),
    ("below-or-zone", (VerdictWord.BELOW,), True),
    (VerdictWord.WITHIN_ZONE, (VerdictWord.WITHIN_ZONE,), False),
    ("open", (VerdictWord.UNDETERMINED, VerdictWord.AT_CEILING), False),
    ("not-reached", ("not-reached",), False),
    ("no-threshold", ("no-threshold",), False),
)
"""What is said, of which kinds of verdict, and whether of those that only claim so much."""


def _zoned(row: ResultRow) -> bool:
    """Whether the word claims a rate that is short of the threshold by its zone."""
    # A word that claims less than the threshold must not be told as if it claimed the threshold.
    return row.claimed not in {None, row.threshold}


def _of(count: int, all_of: int) -> str:
    which = "some"
    if count == all_of:
        which = "all" if count > 1 else "only"
    return sentence("summary.of", which=which, count=count, all=all_of)


def _decided(case: AudienceCase) -> str:
    """What was proposed, what was decided, and to whom the model was released."""
    return paragraph(_proposed(case), _made(case), *_released(case))


def _proposed(case: AudienceCase) -> str:
    proposals = case.state.designating.proposals
    if not proposals:
        return ""
    return sentence("summary.proposed", designation=proposals[-1].designation)


def _made(case: AudienceCase) -> str:
    designating = case.state.designating
    if designating.decisions:
        last = designating.decisions[-1]
        return sentence(
            "summary.decided",
            party=case.name(last.actor),
            day=last.at[:10],
            designation=last.designation,
        )
    if not case.whole:
        return ""
    if designating.proposals:
        return sentence("summary.none-decided")
    return sentence("summary.none-proposed")


def _released(case: AudienceCase) -> list[str]:
    said = []
    for each in case.state.releases:
        party = case.name(each.actor)
        said.append(sentence("summary.released", party=party, scope=each.scope, day=each.at[:10]))
        # A release is never refused: whoever reads of it must not take it for what was reviewed.
        if unknown := case.state.not_handed_in(each.variants):
            said.append(sentence("summary.not-handed-in", variants=unknown))
    return said


def _missing(case: AudienceCase) -> str:
    """Whose word is missing, and what nobody declared."""
    return paragraph(*_unheard(case), _undeclared(case), sentence("summary.voluntary"))


def _unheard(case: AudienceCase) -> list[str]:
    """The agencies that have not answered, and those that were never asked."""
    if not case.state.designating.proposals:
        return []
    said = []
    if quiet := silent(case):
        said.append(sentence("summary.silent", count=len(quiet), agencies=quiet))
    if outside := never_asked(case):
        said.append(sentence("summary.never-asked", count=len(outside), agencies=outside))
    return said


def _undeclared(case: AudienceCase) -> str:
    criteria = case.framework.criteria if case.framework else ()
    asked = [each for each in criteria if isinstance(each, DeclaredCriterion)]
    wanting = [each for each in asked if each.id not in case.state.declared]
    if not wanting or not case.whole:
        return ""
    domains = list(dict.fromkeys(plain(each.domain) for each in wanting))
    return sentence("summary.undeclared", count=len(wanting), domains=domains)
