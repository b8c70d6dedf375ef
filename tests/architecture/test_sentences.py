"""The catalogue of sentences and those who ask it fit, and no branch puts a sentence together."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from string import Formatter
from typing import Any, get_args

import pytest

from support import parsed
from support.sentence_uses import (
    SOURCE,
    TEMPLATES,
    Use,
    in_python,
    in_template,
    named_by,
    uses,
)
from touchstone.editions import questionnaires
from touchstone.editions.next_text import Unread
from touchstone.editions.sections import loss_of_control
from touchstone.editions.sections.summary import PARTS
from touchstone.editions.sections.unmeasured import Much
from touchstone.editions.sentences import english
from touchstone.editions.sentences.catalogue import Node, selectors, texts
from touchstone.evaluation.families.batch_desk import plan as desk
from touchstone.evaluation.oversight.graded.accuracy import NoShare
from touchstone.evaluation.sandbox import GRADES
from touchstone.framework import kinds
from touchstone.planning.notes import NoteCode
from touchstone.planning.power_query import Comparison
from touchstone.review.designation import STOPPED, Concurrence, Says
from touchstone.review.events import TYPES, detecting, judging, measuring, opening, settling
from touchstone.review.events.base import Facts, Role
from touchstone.review.next_deeds import NextReason, Stance
from touchstone.review.read_digests import Standing
from touchstone.review.state import Status
from touchstone.service.measurement.forecasting import page as plan_page
from touchstone.statistics import VerdictWord, ZoneSide
from touchstone.terms.directives.impact import FATES, KINDS

USES = uses()
EVENTS = {str(get_args(kind.model_fields["type"].annotation)[0]) for kind in TYPES}


def members(closed: Any) -> frozenset[str]:
    """The words of an enum, a Literal or a set."""
    if isinstance(closed, type) and issubclass(closed, Enum):
        return frozenset(str(each.value) for each in closed)
    return frozenset(map(str, closed if isinstance(closed, set) else get_args(closed)))


def literal(kind: type[Facts], field: str) -> frozenset[str]:
    """The words that a field of an event may hold."""
    return members(kind.model_fields[field].annotation)


YES_OR_NO = frozenset({"yes", "no"})
CLAIMING = frozenset({VerdictWord.ABOVE, VerdictWord.BELOW})
UNMEASURED = frozenset(measuring.UNMEASURED)
NOT_SHOWN = frozenset(measuring.NOT_SHOWN)


def labels(section: str, maker: str) -> frozenset[str]:
    """The labels that a section gives its facts, as its source spells them."""
    source = (SOURCE / "editions" / "sections" / section).read_text("utf-8")
    return frozenset(re.findall(rf'\b{maker}\(\s*"([a-z-]+)"', source))


MARKS = frozenset({"name", "id", "snapshot", "endpoint", "reported-name"})
WORDLESS = {"no-threshold", "not-reached", "reference"}
# What chooses a variant, and the closed lists that it may be of.
CLOSED: Mapping[str, Sequence[frozenset[str]]] = {
    "about": [frozenset({"workers", "asking", "sandbox", "accepted", "resumed", "engine"})],
    "access": [literal(opening.AgreementSigned, "access")],
    "anchor": [members(kinds.Anchor)],
    "answer": [
        literal(opening.InquiryAnswered, "answer"),
        literal(settling.PostponementAnswered, "answer"),
        literal(settling.DirectiveAnswered, "answer"),
        members(Concurrence) | {"not-to-be-read"},
    ],
    "asked": [frozenset({"developer", "centre", "decides", "concurs"})],
    "column": [
        frozenset(plan_page.COLUMNS),
        frozenset(plan_page.SAID_COLUMNS),
    ],
    "business": [YES_OR_NO],
    "business_days": [YES_OR_NO],
    "compared": [literal(settling.ReleaseCompared, "compared")],
    "complete": [YES_OR_NO],
    "design": [literal(measuring.ItemSet, "design") | {"mixed"}],
    "designation": [members(judging.Designation)],
    "each": [YES_OR_NO],
    "domain": [frozenset(loss_of_control.MEANS)],
    "every": [YES_OR_NO],
    "early": [frozenset({"none-given", "none-early", "early"})],
    "extreme": [
        frozenset({"all", "none", "all-or-none"}),
        frozenset({"all-used", "none-used", "ceiling", "floor"}),
    ],
    "fact": [labels("scope.py", "_fact"), labels("results.py", "_elicited")],
    "fate": [frozenset(FATES)],
    "head": [frozenset({"nationality", "tier", "country", "people", *FATES})],
    "gate": [members(kinds.Gate)],
    "grade": [frozenset(GRADES)],
    "kind": [literal(opening.CaseOpened, "kind"), UNMEASURED, MARKS, frozenset(KINDS)],
    "moment": [literal(measuring.SnapshotSeen, "moment")],
    "month": [frozenset(map(str, range(1, 13)))],
    "much": [members(Much)],
    "outcome": [literal(judging.FindingRerun, "outcome")],
    "part": [
        frozenset(str(part) for part, _, _ in PARTS) - {VerdictWord.WITHIN_ZONE},
        frozenset(questionnaires.PARTS),
    ],
    "place": [CLAIMING | {"none"}],
    "publication": [literal(opening.AgreementSigned, "publication")],
    "purpose": [members(kinds.Purpose)],
    "reason": [members(measuring.StopReason)],
    "reasoning": [literal(opening.AgreementSigned, "reasoning"), NOT_SHOWN],
    "result": [members(measuring.Result)],
    "role": [members(Role)],
    "rule": [frozenset(desk.RULES)],
    "same_model": [literal(settling.ReleaseAnnounced, "same_model")],
    "says": [members(Says) | {"declared-met", "declared-not-met", "not-declared"}],
    "scope": [literal(settling.ReleaseAnnounced, "scope")],
    "shows": [literal(judging.EvidenceDeclared, "shows")],
    "side": [members(ZoneSide)],
    "stance": [literal(judging.FindingResponded, "stance"), members(Stance)],
    "stands": [members(Standing)],
    "state": [members(opening.ReleaseState)],
    "status": [members(kinds.ParticipationStatus), members(kinds.LifeStage), members(Status)],
    "subject": [frozenset({"capabilities", "elicitation", "holding-back"})],
    "thresholds": [members(kinds.Thresholds)],
    "type": [frozenset(EVENTS)],
    "verdict": [members(VerdictWord) | WORDLESS, CLAIMING],
    "what": [
        members(Comparison),
        frozenset({"share-by", "submitted", "today", "ends", "planned-release"}),
        members(Unread) - {""},
    ],
    "which": [frozenset({"all", "only", "some"})],
    "whole": [YES_OR_NO],
    "with_weights": [YES_OR_NO],
    "why": [
        members(NoShare),
        NOT_SHOWN | {"reference", "both", "lost"},
        frozenset({"evidence", "both", "settled", "whole", "open"}),
    ],
    "word": [
        members(VerdictWord),
        CLAIMING,
        members(VerdictWord) | {"not-reached"},
        frozenset({"above", "below", "open", "unmeasured"}),
        CLAIMING | {"neither"},
    ],
    "whose": [members(detecting.Whose)],
}
# Keys that end in a word of a closed list.
FAMILIES = {
    "event.": EVENTS,
    "folded.": frozenset[str](),
    "plan-note.": members(NoteCode),
    "next.what.": members(NextReason),
    "next.why.": members(NextReason),
    "told.": frozenset[str](),
}
# Modules of `editions` whose sentences are not in the catalogue yet. This list only shrinks.
NOT_THROUGH: set[str] = set()
# What readers meet outside of `editions`, and whether its sentences wait. This only shrinks, too.
ELSEWHERE = {
    "demo/story.py": False,
    "planning/answerability.py": False,
    "planning/costing.py": False,
    "planning/forecast.py": False,
    "planning/power_query.py": False,
    "service/cases/case_admin.py": False,
    "service/measurement/forecasting/page.py": False,
    "service/measurement/review_result.py": False,
    "service/reporting/other_cases.py": False,
    "service/reviews/reviewing.py": False,
    "terms/directives/impact.py": False,
}
PROSE = re.compile(r"[A-Za-z“”]{2,}[,;:.]? +[a-z]{2,}")
DRAWN = re.compile(r"^[<#]|=\"|\bdatum\b|^[a-z-]+ strong$|^system-ui")
"""Not prose: markup, a formula or a font."""
VISIBLE = {"data-label", "aria-label", "alt", "title"}


def used_keys(every: Sequence[Use]) -> set[str]:
    """The whole keys that code asks for, and those of each family."""
    return {
        key
        for use in every
        for key in ([use.key] if not use.family else english().messages)
        if not use.family or key.startswith(use.key)
    }


def test_every_key_can_be_read_where_it_is_used():
    assert not [use.where for use in USES if not use.key]


def test_every_key_that_is_used_exists():
    assert not {use.key for use in USES if not use.family} - set(english().messages)
    assert {use.key for use in USES if use.family} == set(FAMILIES)


def test_every_message_is_used():
    assert not set(english().messages) - used_keys(USES) - named_by(english())


def test_every_message_that_a_message_names_exists():
    assert named_by(english()) <= set(english().messages)


def test_every_value_is_given_and_no_other():
    wrong = [
        use.where
        for use in USES
        if use.values is not None and use.values != english().fields(use.key)
    ]
    assert not wrong


@pytest.mark.parametrize("head", [head for head, words in FAMILIES.items() if words])
def test_a_family_of_keys_has_one_for_each_word(head: str):
    words = {key.removeprefix(head) for key in english().messages if key.startswith(head)}
    assert words >= FAMILIES[head]


def unfit(key: str, node: Node, by: Sequence[str]) -> Iterator[str]:
    """Where the variants of a message are not the words of a closed list, or no plural forms."""
    if not by or isinstance(node, str):
        return
    words = frozenset(node) - {"by"}
    if by[0].startswith("#"):
        exact = {word for word in words if re.fullmatch(r"=\d+", word)}
        rest = words - exact
        if rest != {"one", "other"} and not (rest == {"other"} and "=1" in exact):
            yield f"{key}: {by[0]} has the forms {sorted(words)}"
    elif words not in CLOSED[by[0]]:
        yield f"{key}: {by[0]} has the words {sorted(words)}"
    for word in words:
        yield from unfit(f"{key}.{word}", node[word], by[1:])


def test_every_word_of_a_closed_list_has_its_phrase():
    found = [
        line
        for key, node in english().messages.items()
        for line in unfit(key, node, selectors(node))
    ]
    assert not found


def test_twin_a_word_without_a_phrase_is_seen():
    table = {"by": ["word", "#n"], "above": "x", "below": {"one": "y"}}
    assert list(unfit("key", table, selectors(table))) == ["key.below: #n has the forms ['one']"]
    assert list(unfit("key", {"by": "word", "above": "x"}, ("word",)))


def test_the_record_and_the_catalogue_word_alike():
    for word in VerdictWord:
        assert english().write("verdict.phrase", {"word": word}) == word.phrase
        assert english().write("verdict.heading", {"verdict": word}) == word.heading
    for reason, phrase in STOPPED.items():
        assert english().write("name.stopped", {"reason": reason}) == phrase


def test_every_text_is_whole():
    """Nothing to be glued to: no space at an end, no field without a name."""
    for key, node in english().messages.items():
        for text in texts(node):
            assert text == text.strip(), key
            assert all(name != "" for _, name, _, _ in Formatter().parse(text)), key


def prose_of_python(source: str) -> Iterator[str]:
    """The pieces of text that a module spells and a reader might meet."""
    tree = parsed.tree(source)
    spared: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise):
            spared |= {id(each) for each in ast.walk(node)}
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            spared.add(id(node.value))
    for node in ast.walk(tree):
        if id(node) in spared or not isinstance(node, ast.Constant):
            continue
        text = str(node.value) if isinstance(node.value, str) else ""
        if PROSE.search(text) and not DRAWN.search(text):
            yield text


def prose_of_template(source: str) -> Iterator[str]:
    """The words that a template spells, in its text and in what is read aloud of its tags."""
    marks = r"{#.*?#}|{%.*?%}|{{.*?}}|<style>.*?</style>|<!doctype html>"
    source = re.sub(marks, " ", source, flags=re.DOTALL)
    for name, text in re.findall(r'([a-z-]+)="([^"]*)"', source):
        if name in VISIBLE and re.search("[A-Za-z]", text):
            yield text
    for line in re.sub(r"<[^>]*>", "\n", source).splitlines():
        if re.search("[A-Za-z]", line):
            yield line.strip()


def spelt() -> set[str]:
    """The files of `editions` that spell a sentence themselves."""
    room = SOURCE / "editions"
    found = {
        str(file.relative_to(room))
        for file in room.rglob("*.py")
        if any(prose_of_python(file.read_text("utf-8")))
    }
    return found | {
        str(file.relative_to(room))
        for file in TEMPLATES.glob("*.html")
        if any(prose_of_template(file.read_text("utf-8")))
    }


def test_no_module_spells_a_sentence_but_those_that_wait():
    assert spelt() == NOT_THROUGH


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_what_is_through_elsewhere_stays_through(name: str):
    source = (SOURCE / name).read_text("utf-8")
    assert any(prose_of_python(source)) == ELSEWHERE[name]


def test_twin_what_is_spelt_is_seen():
    assert list(prose_of_python('x = f"{n} samples were lost"')) == [" samples were lost"]
    assert not list(prose_of_python('"""Two words."""\nraise Wrong("two words")'))
    assert list(prose_of_template('<td data-label="Mode">{{ x }}</td>')) == ["Mode"]
    assert list(prose_of_template("<p>{{ n }} lost</p>")) == ["lost"]
    assert not list(prose_of_template('<p class="note">{{ say("a lost one") }}</p>'))


def test_twin_uses_are_seen():
    (use,) = in_python('sentence("a.b", n=1)', "x.py")
    assert (use.key, use.values) == ("a.b", frozenset({"n"}))
    (family,) = in_python('sentence(f"event.{kind}", n=1)', "x.py")
    assert (family.key, family.family) == ("event.", True)
    (unread,) = in_python("sentence(key)", "x.py")
    assert not unread.key
    (said,) = in_template('{{ say("a.b", n=1) }}', "x.html")
    assert (said.key, said.values) == ("a.b", frozenset({"n"}))
