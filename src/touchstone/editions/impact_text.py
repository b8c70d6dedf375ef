"""The blast radius of directives in lines, for the terminal; its page says some of the same."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from touchstone.editions.sentences import sentence
from touchstone.terms.directives.impact import AffectedGroup, Fate, Impact, Sample, summed

_TOLD: tuple[Fate, ...] = ("blocked", "unknown", "kept")
_WIDTHS = {"people": 10, "blocked": 10, "unknown": 10, "kept": 10, "outside": 13}
"""Characters of a column of numbers."""


def impact_summary(impact: Impact) -> list[str]:
    """What the counts come to, in sentences."""
    found = [sentence("impact.line.nothing", nothing=impact.nothing, gaining=impact.gaining)]
    if impact.everyone:
        told = {"everyone": impact.everyone, "spared": impact.spared}
        found.append(sentence("impact.line.everyone", **told))
    return found


def impact_lines(impact: Impact) -> list[str]:
    """All of it."""
    able = impact.people - impact.outside
    found = [
        sentence("impact.line.able", people=impact.people, able=able),
        *(_fate(impact, fate) for fate in _TOLD),
        *impact_summary(impact),
    ]
    tables = {
        "nationality": named_kinds(impact),
        "tier": impact.by_tier,
        "country": summed(impact.by_country),
    }
    for head, groups in tables.items():
        found += ["", *_table(sentence("impact.column", head=head), groups)]
    found += ["", *map(example, impact.samples)]
    conflicts = (sentence("impact.line.conflict", conflict=str(each)) for each in impact.conflicts)
    return [*found, *conflicts]


def named_kinds(impact: Impact) -> tuple[AffectedGroup, ...]:
    """The groups by kind of people, with what readers call each."""
    return tuple(
        replace(each, name=sentence("impact.kind", kind=each.name)) for each in impact.by_kind
    )


def example(sample: Sample) -> str:
    """One person, and what a gateway would say."""
    told = {
        "person": sample.person,
        "facts": sample.facts,
        "variant": sample.variant,
        "mode": sample.mode,
        "says": sample.says,
    }
    if sample.purpose is None:
        return sentence("impact.line.example", **told)
    return sentence("impact.line.example-purpose", purpose=sample.purpose, **told)


def _fate(impact: Impact, fate: Fate) -> str:
    name = sentence("impact.fate", fate=fate)
    return f"  {name:<8}{getattr(impact, fate):>9,}  {sentence('impact.line.fate', fate=fate)}"


def _table(title: str, groups: Sequence[AffectedGroup]) -> Iterator[str]:
    width = max(len(title), *(len(group.name) for group in groups), 0)
    heads = {head: sentence("impact.column", head=head) for head in _WIDTHS}
    yield f"{title:<{width}}" + "".join(f"{heads[h]:>{w}}" for h, w in _WIDTHS.items())
    for each in groups:
        counts = "".join(f"{getattr(each, name):>{w},}" for name, w in _WIDTHS.items())
        yield f"{each.name:<{width}}{counts}"
