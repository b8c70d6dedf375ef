"""Terms documents, registries and people for tests: fixed ones, and drawn ones (Hypothesis)."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from touchstone.terms import (
    CallerAttributes,
    Organisation,
    Person,
    Population,
    Registry,
    Request,
    Terms,
    parse_terms,
)

NOW = 1_795_000_000
"""2026-11-18."""
HEAD: dict[str, Any] = {
    "format": "touchstone/terms/1",
    "id": "drawn",
    "title": "Drawn terms",
    "version": "1",
    "developer": "example-lab",
    "home": ["XA", "XH"],
    "of_concern": ["XB"],
    "groups": {"allies": ["XC", "XD"]},
    "grace_hours": 72,
    "variants": ["final", "restricted"],
    "modes": ["instant", "thinking"],
    "purposes": ["find-weaknesses", "evaluation"],
    "organisations": ["example-lab", "example-bank"],
    "programmes": ["early", "late"],
    "lists": ["restored", "trial"],
}
REGISTRY = Registry(
    "example-lab",
    {
        "example-lab": Organisation("example-lab", "named-list", "civil"),
        "example-bank": Organisation(
            "example-bank", "trusted-partner", "civil", frozenset({"early"})
        ),
        "example-yard": Organisation("example-yard", "trusted-partner", "military"),
        "example-office": Organisation("example-office", "government"),
    },
    {"lee": "example-lab", "bo": "example-bank", "yu": "example-yard", "of": "example-office"},
    {"restored": frozenset({"person:ann", "organisation:example-bank"})},
)
PEOPLE = (
    Person("lee", frozenset({"XC"}), "XA"),
    Person("bo", frozenset({"XA"}), "XA"),
    Person("yu", frozenset({"XA", "XB"}), "XA"),
    Person("of", frozenset({"XA"}), None),
    Person("ann", frozenset({"XD"}), "XD"),
    Person("vic", frozenset({"XA"}), "XA", verified=True),
    Person("eve", frozenset(), "XB"),
    Person("two", frozenset({"XA", "XC"}), "XC", verified=True),
)
POPULATION = Population(REGISTRY, PEOPLE)

_EDGES = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z")
_TIMES = (NOW - 40 * 86400, NOW, NOW + 30 * 86400, NOW + 90 * 86400)
_PLACES = ("XA", "XB", "XC", "XH", "domestic", "foreign", "of-concern", "allies", "DE")


def terms_text(*rules: Mapping[str, Any], **head: Any) -> str:
    """A document as TOML; a value of None takes a key of the head out."""
    lines = [
        f"{key} = {_value(value)}" for key, value in {**HEAD, **head}.items() if value is not None
    ]
    for rule in rules:
        lines.append("[[rules]]")
        lines += [f"{key} = {_value(value)}" for key, value in rule.items() if key != "except"]
        for exception in rule.get("except", ()):
            lines.append("[[rules.except]]")
            lines += [f"{key} = {_value(value)}" for key, value in exception.items()]
    return "\n".join(lines) + "\n"


def terms(*rules: Mapping[str, Any], **head: Any) -> Terms:
    """Checked terms."""
    return parse_terms(terms_text(*rules, **head), "terms.toml")


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    return json.dumps(value)


def _some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


@st.composite
def _conditions(draw: st.DrawFn) -> dict[str, Any]:
    choices = {
        "nationality": _some(*_PLACES, "stateless"),
        "residence": _some(*_PLACES),
        "tiers": _some("public", "verified", "trusted-partner", "government", "named-list"),
        "lists": _some("restored", "trial"),
        "organisations": _some("example-lab", "example-bank"),
        "programmes": _some("early", "late"),
        "end_users": _some("civil", "military", "intelligence"),
        "staff": st.booleans(),
        "purposes": _some("find-weaknesses", "evaluation"),
        "variants": _some("final", "restricted"),
        "modes": _some("instant", "thinking"),
        "from": st.just(_EDGES[0]),
        "until": st.sampled_from(_EDGES[1:]),
    }
    keys = draw(st.lists(st.sampled_from(sorted(choices)), min_size=1, max_size=3, unique=True))
    found = {key: draw(choices[key]) for key in keys}
    if "nationality" in found:
        found["dual"] = draw(st.sampled_from(("any", "all", "home")))
    return found


@st.composite
def drawn_rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Between one and six rules."""
    found = []
    for number in range(draw(st.integers(1, 6))):
        effect = draw(st.sampled_from(("permit", "permit", "forbid")))
        rule = {"id": f"r{number}", "effect": effect, **draw(_conditions())}
        if effect == "permit" and draw(st.booleans()):
            per = draw(st.sampled_from(("day", "month")))
            rule["budget"] = {"tokens": draw(st.sampled_from((100, 1000))), "per": per}
        rule["except"] = draw(st.lists(_conditions(), max_size=2))
        found.append(rule)
    return found


_CODES = st.sampled_from(("XA", "XB", "XC", "XH", "DE", "FR"))
drawn_facts = st.builds(
    CallerAttributes,
    nationalities=st.one_of(st.frozensets(_CODES, max_size=3), st.just(frozenset({"stateless"}))),
    residence=st.one_of(st.none(), _CODES),
    tier=st.sampled_from(("public", "verified", "trusted-partner", "government", "named-list")),
    organisation=st.sampled_from(("", "example-lab", "example-bank")),
    programmes=st.frozensets(st.sampled_from(("early", "late"))),
    lists=st.frozensets(st.sampled_from(("restored", "trial"))),
    end_user=st.sampled_from((None, "civil", "military", "intelligence")),
    staff=st.booleans(),
)
drawn_requests = st.builds(
    Request,
    variant=st.sampled_from(("final", "restricted")),
    mode=st.sampled_from(("instant", "thinking")),
    now=st.sampled_from(_TIMES),
    purpose=st.sampled_from((None, "find-weaknesses", "evaluation")),
    tokens_today=st.sampled_from((None, 0, 99, 100, 5000)),
    tokens_this_month=st.sampled_from((None, 0, 500, 5000)),
)
