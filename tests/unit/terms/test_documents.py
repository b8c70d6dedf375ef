"""Files of terms, directives and entities: what is taken, and how what is not is refused."""

import json
import tomllib
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.terms_files import NOW, REGISTRY, drawn_rules, terms, terms_text
from touchstone.terms import (
    CallerAttributes,
    Request,
    TermsFileError,
    in_force,
    parse_directive,
    parse_entities,
    parse_terms,
)

VECTORS = tomllib.loads(
    (Path(__file__).parents[2] / "vectors" / "terms" / "refusals.toml").read_text("utf-8")
)
HEAD, PLAIN = VECTORS.pop("head"), VECTORS.pop("plain")
SHIPPED = Path(__file__).parents[3] / "src" / "touchstone" / "framework" / "shipped"
TEMPLATES = sorted(
    (Path(__file__).parents[3] / "src" / "touchstone" / "terms" / "templates").glob("*.toml")
)


def refusal(text: str) -> str:
    """What is said against a text; nothing where it is taken. Any other error fails the test."""
    try:
        parse_terms(text, "terms.toml")
    except TermsFileError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", sorted(VECTORS))
def test_a_slip_is_refused_in_one_line(name: str):
    slip = VECTORS[name]
    assert slip.get("old", "") in HEAD
    head = HEAD.replace(slip["old"], slip["new"], 1) if "old" in slip else HEAD
    with pytest.raises(TermsFileError) as caught:
        parse_terms(head + slip.get("rules", PLAIN), "terms.toml")
    assert str(caught.value) == slip["error"]


def test_the_file_without_a_slip_is_taken():
    assert parse_terms(HEAD + PLAIN, "terms.toml").lines()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_is_taken_as_it_is(path: Path):
    found = parse_terms(path.read_text("utf-8"), path.name)
    assert found.text.id == path.stem
    assert found.digest.startswith("sha256:")
    assert json.dumps(found.as_dict())
    assert found.text.framework == path.stem
    assert (SHIPPED / path.name).is_file()
    assert len(found.lines()) == len(found.rules) + 3


@given(drawn_rules())
def test_order_comments_and_spacing_do_not_change_the_digest(rules: list[dict[str, object]]):
    text = terms_text(*rules)
    spaced = "# a comment\n" + text.replace(" = ", "   =   ", 5)
    assert parse_terms(text, "a").digest == parse_terms(spaced, "b").digest


@given(st.text(max_size=200))
def test_no_text_escapes_as_another_error(text: str):
    assert "\n" not in refusal(text)


@given(st.data())
def test_no_cut_or_changed_file_escapes_as_another_error(data: st.DataObject):
    text = TEMPLATES[0].read_text("utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    changed = text[:start] + data.draw(st.text(max_size=5)) + text[end:]
    assert "\n" not in refusal(changed)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 3000,
        "a." * 60 + "b = 1",
        "n = " + "9" * 5000,
        "t = 07:32:00",
        "x = inf",
        "\ud800",
        "x" * 500_001,
    ],
)
def test_hostile_texts_are_refused_in_one_line(text: str):
    with pytest.raises(TermsFileError) as caught:
        parse_terms(text, "terms.toml")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_days_are_counted_in_the_terms_time_zone():
    rule = {"id": "a", "effect": "permit", "from": "2026-07-01", "until": "2026-07-01"}
    (window,) = terms(rule, timezone="Europe/London").rules[0].conditions
    assert str(window) == "from 2026-06-30T23:00:00Z before 2026-07-01T23:00:00Z"


DIRECTIVE = """
format = "touchstone/directive/1"
id = "d-1"
title = "Foreign nationals"
reason = "An invented reason"
expires = 2026-12-31T00:00:00Z
[[rules]]
id = "foreign"
effect = "forbid"
nationality = ["foreign"]
dual = "any"
"""


def test_a_directive_forbids_until_it_expires():
    base = terms({"id": "all", "effect": "permit"})
    directive = parse_directive(DIRECTIVE, "d.toml", base)
    ruleset = in_force(base, [directive])
    foreign = CallerAttributes(frozenset({"XC"}))
    before = ruleset.decisive(foreign, Request("final", "instant", NOW))
    after = ruleset.decisive(foreign, Request("final", "instant", directive.expires))
    assert before is not None
    assert after is not None
    assert (before.id, after.id) == ("d-1/foreign", "all")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('"forbid"', '"permit"', 'rules 1 ("foreign"): a directive only forbids: change it'),
        ('dual = "any"', "", 'rules 1 ("foreign"): a person who is a national of both XA and XB'),
        ("expires = 2026-12-31T00:00:00Z\n", "", 'the key "expires" is missing: add it'),
        ("2026-12-31T00:00:00Z", "2026-12-31", 'key "expires" is a day, and days begin somewhere'),
        ("2026-12-31T00:00:00Z", "9999-12-31", "write a year from 1970 to 9000"),
        ("2026-12-31T00:00:00Z", "0001-01-01T00:00:00+14:00", "write a year from 1970 to 9000"),
        ('["foreign"]', '["Exland"]', "key \"nationality\", item 1 is 'Exland'"),
    ],
)
def test_a_directive_with_a_slip_is_refused(old: str, new: str, line: str):
    base = terms({"id": "all", "effect": "permit"})
    with pytest.raises(TermsFileError, match=r"d\.toml") as caught:
        parse_directive(DIRECTIVE.replace(old, new), "d.toml", base)
    assert line in str(caught.value)


def test_a_directive_with_too_many_rules_is_refused_in_words():
    base = terms({"id": "all", "effect": "permit"})
    rules = "".join(f'[[rules]]\nid = "r{n}"\neffect = "forbid"\n' for n in range(501))
    with pytest.raises(TermsFileError, match="has 501 items, and at most 500 are read: write"):
        parse_directive(DIRECTIVE.split("[[rules]]", maxsplit=1)[0] + rules, "d.toml", base)


ENTITIES = """
format = "touchstone/entities/1"
developer = "example-lab"
[[organisations]]
id = "example-lab"
tier = "named-list"
end_user = "civil"
members = ["lee"]
[[organisations]]
id = "example-bank"
tier = "trusted-partner"
end_user = "civil"
programmes = ["early"]
members = ["bo"]
[[lists]]
id = "restored"
people = ["ann"]
organisations = ["example-bank"]
[[people]]
id = "bo"
nationalities = ["XA", "XB"]
residence = "XA"
[[people]]
id = "sam"
nationalities = ["stateless"]
verified = true
"""


def test_entities_are_a_registry_and_people():
    found = parse_entities(ENTITIES, "e.toml", terms({"id": "all", "effect": "permit"}))
    assert found.registry.lists == REGISTRY.lists
    assert found.registry.facts("lee").staff
    assert len(found) == 2
    assert {facts.tier for facts in found.groups} == {"trusted-partner", "verified"}


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('programmes = ["early"]', 'programmes = ["erly"]', 'did you mean "early"'),
        (
            'members = ["bo"]',
            'members = ["lee"]',
            'organisations 2 ("example-bank"): "lee" is a member of "example-lab" already',
        ),
        ('organisations = ["example-bank"]', 'organisations = ["bank"]', "no organisation"),
        ('id = "example-bank"', 'id = "example-lab"', 'organisations 2 ("example-lab"): another'),
        ('id = "sam"', 'id = "bo"', ' ("bo"): the same id twice'),
        ('developer = "example-lab"', 'developer = "other-lab"', "write the same"),
        ('residence = "XA"', 'residence = "UK"', 'did you mean "GB"'),
        ('tier = "trusted-partner"', 'tier = "partner"', 'key "tier" is'),
    ],
)
def test_entities_with_a_slip_are_refused(old: str, new: str, line: str):
    with pytest.raises(TermsFileError, match=r"e\.toml") as caught:
        parse_entities(
            ENTITIES.replace(old, new), "e.toml", terms({"id": "all", "effect": "permit"})
        )
    assert line in str(caught.value)


def test_a_list_of_people_may_have_twenty_million_characters():
    known = terms({"id": "all", "effect": "permit"})
    longest = ENTITIES + "#".ljust(20_000_000 - len(ENTITIES), "x")
    assert len(parse_entities(longest, "e.toml", known)) == 2
    with pytest.raises(TermsFileError, match=r"e\.toml"):
        parse_entities(longest + "x", "e.toml", known)


def test_many_names_take_time_by_their_number_and_not_by_its_square():
    """Twenty thousand were looked through twenty thousand times, and took 8 s."""
    names = ", ".join(f'"o{number}"' for number in range(20_000))
    rule = f'[[rules]]\nid = "all"\neffect = "permit"\norganisations = [{names}]\n'
    head = HEAD.replace("organisations = [", f"organisations = [{names}, ", 1)
    assert head != HEAD
    begun = process_time()
    parse_terms(head + rule, "terms.toml")
    assert process_time() - begun < 3
