"""Verdicts are members of their enum: no module spells one to compare, record or map it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import touchstone
from support import parsed
from touchstone.statistics import VerdictWord

SOURCE = Path(touchstone.__file__).parent
HOME = SOURCE / "statistics" / "verdict_words.py"
WORDS = frozenset(map(str, VerdictWord))
NAMES = {"verdict", "word"}
MAPPED = 3
"""So many keys that are verdicts make a mapping one of verdicts: two may be sides."""


def is_verdict(node: ast.AST) -> bool:
    """Whether something is called a verdict: `row.verdict`, `word`."""
    return getattr(node, "attr", None) in NAMES or getattr(node, "id", None) in NAMES


def spelt(node: ast.AST) -> bool:
    """Whether a verdict is spelt here, alone or in a set, a tuple or a list."""
    if isinstance(node, ast.Set | ast.Tuple | ast.List):
        return any(map(spelt, node.elts))
    return isinstance(node, ast.Constant) and node.value in WORDS


def literal_verdicts(source: str) -> Iterator[int]:
    """The lines on which a verdict is spelt."""
    for node in parsed.nodes(source):
        match node:
            case ast.Compare(left=left, comparators=others):
                sides = [left, *others]
                found = any(map(is_verdict, sides)) and any(map(spelt, sides))
            case ast.Call(keywords=keywords):
                found = any(each.arg in NAMES and spelt(each.value) for each in keywords)
            case ast.Dict(keys=keys):
                found = sum(key is not None and spelt(key) for key in keys) >= MAPPED
            case _:
                continue
        if found:
            yield node.lineno


def test_no_module_spells_a_verdict():
    found = {
        f"{file.relative_to(SOURCE)}:{line}"
        for file in SOURCE.rglob("*.py")
        if file != HOME
        for line in literal_verdicts(file.read_text("utf-8"))
    }
    assert not found


def test_twin_a_verdict_that_is_spelt_is_seen():
    for line in (
        'row.verdict == "above"',
        'word in {"below", "not-measured"}',
        'record(verdict="within-zone")',
        'x = {"above": 1, "below": 2, "undetermined": 3}',
    ):
        assert list(literal_verdicts(line)) == [1]
    assert not list(literal_verdicts('zone_side == "above"'))


def test_each_verdict_has_its_phrase_and_is_worded_once():
    phrases = [word.phrase for word in VerdictWord]
    assert len(set(phrases)) == len(VerdictWord)
    texts = [file.read_text("utf-8") for file in SOURCE.rglob("*.py") if file != HOME]
    for phrase in phrases:
        if " " in phrase and phrase != VerdictWord.NOT_MEASURED.phrase:
            assert not [text for text in texts if f'"{phrase}"' in text], phrase


# ------------------------------------------------------------------ words that options take

OF_COMMANDS_ALONE = {frozenset({"all", "none"})}
"""Which of its earlier deeds a party stands by: told apart by what the deed holds, and no list."""


def closed_lists(source: str) -> Iterator[frozenset[str]]:
    """The words of each `Literal[...]` of several texts."""
    for node in parsed.nodes(source):
        if isinstance(node, ast.Subscript) and getattr(node.value, "id", None) == "Literal":
            words = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
            texts = [word.value for word in words if isinstance(word, ast.Constant)]
            if texts and all(isinstance(text, str) for text in texts):
                yield frozenset(map(str, texts))


def test_what_an_option_takes_is_a_list_of_the_rooms_below():
    """It is written again there, since a command's words are to be known without loading rooms."""
    commands = SOURCE / "cli"
    below, above = set[frozenset[str]](), dict[frozenset[str], str]()
    for file in sorted(SOURCE.rglob("*.py")):
        for words in closed_lists(file.read_text("utf-8")):
            if commands in file.parents:
                above[words] = file.name
            else:
                below.add(words)
    below |= {WORDS}
    assert len(above) >= 10
    assert {name: set(words) for words, name in above.items() if words not in below} == {
        name: set(words) for words, name in above.items() if words in OF_COMMANDS_ALONE
    }


def test_twin_a_list_with_a_word_more_is_another():
    (found,) = closed_lists('Word = Literal["covered", "not-covered"]')
    assert found != next(closed_lists('Word = Literal["covered", "not-covered", "perhaps"]'))
    assert not list(closed_lists("Other = Literal[1, 2]"))
