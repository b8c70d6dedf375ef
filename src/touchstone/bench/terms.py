"""Decisions, differences and proofs over two documents of 40 rules, against their limits.

Times are CPU time of one core, the best of some rounds, so that a busy machine changes them little.
The documents are drawn from a counter: the same on every machine.
"""

from collections.abc import Callable, Iterator
from time import process_time

from touchstone.bench.table import BenchRow, BenchTable
from touchstone.terms import (
    CallerAttributes,
    Decider,
    Organisation,
    Person,
    Population,
    Registry,
    Request,
    Terms,
    compile_policy,
    in_force,
    parse_terms,
)
from touchstone.terms.analysis.difference import difference
from touchstone.terms.analysis.prove import prove

RULES = 40
PEOPLE = 100_000
DECISION_US = 150.0
DIFFERENCE_MS = 1000.0
PROOF_MS = 100.0
_NOW = 1_795_000_000
_CODES = ("XA", "XB", "XC", "XD", "XE", "XF", "XG", "XH", "XI", "XJ")
_TIERS = ("public", "verified", "trusted-partner", "government", "named-list")
_PURPOSES = ("find-weaknesses", "evaluation", "teaching")
_CLAIMS = (
    "no person without a known nationality reaches mode thinking",
    "no person with nationality of-concern not on the staff reaches variant final at any time",
    "every partner on the list restored keeps access",
)
_HEAD = """\
format = "touchstone/terms/1"
id = "bench"
title = "Terms to measure with"
version = "1"
developer = "example-lab"
home = ["XA"]
of_concern = ["XB"]
dual = "any"
grace_hours = 72
variants = ["final", "restricted"]
modes = ["instant", "thinking"]
purposes = ["find-weaknesses", "evaluation", "teaching"]
organisations = ["example-lab", "partner-0", "partner-1", "partner-2", "partner-3"]
programmes = ["early", "late"]
lists = ["restored", "trial"]
"""


def run(rounds: int = 5, people: int = PEOPLE) -> BenchTable:
    """Measure; each goal is stated for 40 rules."""
    old, new = document(0), document(1)
    population = users(people)
    ruleset = in_force(old)
    decider = Decider(compile_policy(ruleset))
    asked = list(_requests(population))
    # Once before: slices are parsed when they are first asked for, and a gateway lives long.
    for facts, request in asked:
        decider.decide(facts, request)
    seconds = _best(lambda: [decider.decide(*each) for each in asked], rounds)
    micros = seconds / len(asked) * 1e6
    millis = _best(lambda: difference(ruleset, in_force(new), population), rounds) * 1e3
    rows = [
        _row("decision, uncached", micros, "us", DECISION_US),
        _row("difference of two documents", millis, "ms", DIFFERENCE_MS),
    ]
    for claim in _CLAIMS:
        found = prove(claim, old, population, _NOW)
        taken = _best(lambda claim=claim: prove(claim, old, population, _NOW), rounds)  # type: ignore[misc]
        answer = "proof" if found.holds else "counter-example"
        rows.append(_row(f"{answer}: {claim}", taken * 1e3, "ms", PROOF_MS))
    title = f"terms: {RULES} rules, {people:,} people (CPU time of one core)"
    return BenchTable(title, tuple(rows))


def document(seed: int) -> Terms:
    """Terms of 40 rules, three of four of them permissions; another seed changes every rule."""
    rules = "".join(_rule(number, seed) for number in range(RULES))
    return parse_terms(_HEAD + rules, f"bench-{seed}.toml")


def users(people: int) -> Population:
    """A user base: two in eleven are dual nationals, one in seven has no known nationality."""
    organisations = {
        f"partner-{n}": Organisation(
            f"partner-{n}", "trusted-partner", "civil", frozenset({("early", "late")[n % 2]})
        )
        for n in range(8)
    }
    organisations["example-lab"] = Organisation("example-lab", "named-list", "civil")
    names = [*organisations]
    registry = Registry(
        "example-lab",
        organisations,
        {f"u{n}": names[n // 50 % len(names)] for n in range(0, people, 50)},
        {"restored": frozenset({"organisation:partner-1"}), "trial": frozenset({"person:u7"})},
    )
    return Population(registry, (_person(n) for n in range(people)))


def _person(n: int) -> Person:
    held = frozenset({_CODES[n % 10]}) if n % 7 else frozenset()
    if held and n % 11 < 2:  # noqa: PLR2004 - two of eleven
        held |= {_CODES[n // 10 % 10]}
    residence = _CODES[n // 100 % 10] if n % 13 else None
    return Person(f"u{n}", held, residence, n // 3 % 2 == 0)


def _rule(number: int, seed: int) -> str:
    pick = (number + 1) * (7 + 4 * seed)
    first, second = _CODES[pick % 10], _CODES[pick // 3 % 10]
    forbids = number % 4 == 0
    lines = [f'id = "rule-{number}"', f'effect = "{"forbid" if forbids else "permit"}"']
    # Every prohibition names a tier: one for everyone would leave nothing to compare.
    if number % 2 == 0:
        lines.append(f'tiers = ["{_TIERS[pick % 5]}"]')
    if number % 3:
        lines.append(f'nationality = ["{first}", "{second}"]')
    if number % 5 == 0:
        lines.append(f'residence = ["{second}"]')
    if number % 2:
        lines.append(f'modes = ["{("instant", "thinking")[pick % 2]}"]')
    if number % 3 == 0:
        lines.append(f'variants = ["{("final", "restricted")[pick % 2]}"]')
    if number % 7 == 0:
        lines.append(f'purposes = ["{_PURPOSES[pick % 3]}"]')
    if number % 9 == 0:
        lines.append(f'organisations = ["partner-{pick % 4}"]')
    if number % 10 == 1:
        lines.append(f"from = 2026-{10 + seed}-01T00:00:00Z")
    if forbids:
        lines += ["[[rules.except]]", 'lists = ["restored"]']
    return "\n[[rules]]\n" + "\n".join(lines) + "\n"


def _requests(population: Population) -> Iterator[tuple[CallerAttributes, Request]]:
    for number, facts in enumerate(population.groups):
        if number % 20 == 0:
            variant = ("final", "restricted")[number // 20 % 2]
            mode = ("instant", "thinking")[number // 40 % 2]
            yield facts, Request(variant, mode, _NOW, _PURPOSES[number % 3], 0, 0)


def _best(work: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        start = process_time()
        work()
        taken.append(process_time() - start)
    return min(taken)


def _row(name: str, value: float, unit: str, limit: float) -> BenchRow:
    return BenchRow(name, value, unit, None, "", f"at most {limit:g} {unit}", value <= limit)
