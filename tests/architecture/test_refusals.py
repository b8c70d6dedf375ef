"""Each refusal has a code, and each code one sentence that is told what it needs."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import parsed
from support.scripted import script
from touchstone.ledger import forms
from touchstone.review.grounds import Ground
from touchstone.review.rule import Guard
from touchstone.review.rules import RULES
from touchstone.review.wording import CLAUSES, FAULTS, SENTENCES, WHOLE

SOURCE = Path(__file__).parents[2] / "src" / "touchstone"
REVIEW = SOURCE / "review"
BY_DECIDE = {"deed", "actor", "rule"}
"""What `decide` tells of every deed that has a rule."""
codes_of = script("make_events_reference").codes_of


def given(source: str) -> Iterator[tuple[set[str], set[str], int]]:
    """(codes, what is told, line) of each ground that a module gives."""
    tree = parsed.tree(source)
    tables = {
        ast.unparse(node.target if isinstance(node, ast.AnnAssign) else node.targets[0]): node
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Ground" and call.args:
            first = call.args[0]
            table = ast.unparse(first.value) if isinstance(first, ast.Subscript) else ""
            codes = {
                str(node.value)
                for node in ast.walk(tables.get(table, first))
                if isinstance(node, ast.Constant) and node.value in SENTENCES
            }
            if isinstance(first, ast.Constant):
                codes = {str(first.value)}
            yield codes, {each.arg or "" for each in call.keywords}, call.lineno


def fields(code: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(SENTENCES[code]) if name}


def every_ground() -> Iterator[tuple[str, str, set[str]]]:
    """(place, code, what is told) of each ground that is given anywhere."""
    for path in sorted(SOURCE.rglob("*.py")):
        for codes, told, line in given(path.read_text("utf-8")):
            # What carries a ground further has its code from another.
            if path.name == "grounds.py":
                continue
            assert codes, f"{path.name}:{line}: name its code there"
            for code in codes:
                yield f"{path.name}:{line}", code, told


def test_every_code_that_is_given_has_its_sentence_and_every_sentence_is_given():
    assert {code for _, code, _ in every_ground()} == {*SENTENCES}


def told_by_others(code: str) -> set[str]:
    """What whoever raises a ground adds to it, whatever its code."""
    if code in CLAUSES:
        return BY_DECIDE
    return {"deed", "part"} if code in FAULTS else {"deed"}


def test_every_ground_tells_what_its_sentence_needs():
    lacking = [
        (place, code, missing)
        for place, code, told in every_ground()
        if (missing := fields(code) - told - told_by_others(code))
    ]
    assert lacking == []


TOLD = {
    "ids": "actor addressees agencies audience battery by criterion deed designator "
    "detector directive document domain fact fields finding framework gateway holder id "
    "inquiry issuer known mode modes name now order part party proposer reference "
    "references request said signer stream template type unknown variant what",
    "numbers": "alpha attempt attempts beta compared count counted days edition first item items "
    "measured most newest next number overshoot prefix proposal rate recorded reported "
    "said_counted said_solved "
    "schema sealed size solved unmeasured used written",
    "moments": "at day expires share_by until",
    "digests": "announced before classes committed digest expects key terms weights",
    "words of closed lists": "answer design designation kind marking method publication reason "
    "reasoning role status verdict words",
    "sentences of this code": "why zone",
}
"""All that grounds tell. A refusal outlives its case: none of it is what people wrote."""
CONTENTS = {"aside", "content", "_content", "contents", "summary", "text", "value", "words"}
"""Names by which what goes with a deed is read, and what the rule says of it in words."""
OF_FACTS = {
    "words": "the words of the verdicts that an outcome bears",
    "said": "who said that a party goes on with a key",
}


def test_what_grounds_tell_is_a_closed_list():
    named = [name for names in TOLD.values() for name in names.split()]
    assert len(named) == len({*named})
    assert {name for _, _, told in every_ground() for name in told} <= {*named}


def reading_contents(source: str) -> list[str]:
    """What a module's grounds tell that is read from contents, by the names it is read by."""
    return [
        f"{each.arg} from {name}"
        for call in parsed.nodes(source)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Ground"
        for each in call.keywords
        for node in ast.walk(each.value)
        if each.arg not in OF_FACTS
        if (name := getattr(node, "attr", "") or getattr(node, "id", "")) in CONTENTS
    ]


def test_no_ground_tells_what_it_read_in_contents():
    for path in sorted(SOURCE.rglob("*.py")):
        assert reading_contents(path.read_text("utf-8")) == [], path.name


def test_twin_a_ground_that_reads_contents_is_seen():
    assert reading_contents("Ground('c', designation=rule.designation, why=rule.summary)") == [
        "why from summary"
    ]
    assert reading_contents("Ground('c', id=_content(part)['id'])") == ["id from _content"]
    assert reading_contents("Ground('c', id=event.id, words=tuple(said))") == []


def test_no_ground_tells_in_the_place_of_decide():
    reserved = {*BY_DECIDE, "roles", "statuses"}
    for place, code, told in every_ground():
        assert code in {**WHOLE, **FAULTS} or not told & reserved, place


def without_a_code() -> list[str]:
    return [g.__name__ for rule in RULES.values() for g in rule.guards if not codes_of(g)]


def test_every_guard_gives_codes():
    assert without_a_code() == []


def test_twin_a_guard_without_a_code_is_seen():
    def silent(*_: object) -> Ground | None:
        return None

    guard: Guard = silent
    assert codes_of(guard) == []


@pytest.mark.parametrize("code", SENTENCES)
def test_a_code_can_stand_in_an_answer_and_is_said_in_one_place(code: str):
    assert forms.kebab(f"law-{code}", "a code") == f"law-{code}"
    # Each sentence names what is wrong alone: two codes never say the same.
    assert [*SENTENCES.values()].count(SENTENCES[code]) == 1


def test_nobody_raises_a_bad_event_without_a_ground():
    """Its text, code and data belong together: `Ground(...).fault` has all three."""
    raising = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in sorted(SOURCE.rglob("*.py"))
        for node in parsed.nodes(path.read_text("utf-8"))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("BadEventError")
        if path.name != "grounds.py"
    ]
    assert raising == []


def test_no_guard_spells_a_sentence():
    for path in sorted((REVIEW / "guards").glob("*.py")):
        for node in parsed.nodes(path.read_text("utf-8")):
            assert not isinstance(node, ast.JoinedStr) or not any(
                isinstance(each, ast.Constant) for each in node.values
            ), f"{path.name}:{node.lineno}"


def test_several_values_are_written_as_the_sentence_says():
    data = {"criterion": "c", "deed": "d", "rule": "r"}
    references = (
        {"mode": "instant", "solved": 3, "counted": 20, "unmeasured": {}},
        {"mode": "thinking", "solved": 5, "counted": 20, "unmeasured": {"cut": 1, "refused": 2}},
    )
    said = Ground("reference-misstated", references=references, **data).sentence
    assert "with instant: 3 of 20 solved; thinking: 5 of 20 solved, 1 cut, 2 refused, by" in said
    first = Ground("events-unknown", unknown=("a", "b", "c")).sentence
    assert "(a and 2 more)" in first
    assert "(a)" in Ground("events-unknown", unknown=("a",)).sentence
    lost = Ground("losses-misstated", unmeasured={"cut": 9, "refused": 1}, **data).sentence
    assert ", 9 cut and 1 refused measured nothing" in lost
    assert ", none measured nothing" in Ground("losses-misstated", unmeasured={}, **data).sentence
    assert Ground("review-halted", by=("{a}", "b"), **data).sentence.endswith(
        "halted by {a}, b, who can resume it"
    )
