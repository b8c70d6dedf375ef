"""The blast radius as one HTML page that needs no other file and runs no script."""

from collections.abc import Sequence
from typing import Any

from touchstone.editions.impact_text import example, impact_summary, named_kinds
from touchstone.editions.page.templating import page_templates, stylesheet
from touchstone.editions.sentences import paragraph, sentence
from touchstone.terms.directives.impact import FATES, AffectedGroup, Impact, summed

_COLOURS = {"blocked": "#b4530a", "unknown": "#d9a441", "kept": "#0b5c8a", "outside": "#9fb6c6"}


def render_impact(title: str, lines: Sequence[str], impact: Impact) -> str:
    """The page. Everything in it is escaped, and the page forbids itself the network.

    `title` and `lines` say which directive it is and what it orders.
    """
    page = {
        "title": title,
        "lines": lines,
        "fates": [
            {
                "name": fate,
                "colour": _COLOURS[fate],
                "meaning": sentence("impact.fate-meaning", fate=fate),
            }
            for fate in FATES
        ],
        "against": _shown(_against(impact)),
        "summary": paragraph(*impact_summary(impact)),
        "by": [
            (sentence("impact.by-nationality"), _shown(named_kinds(impact))),
            (sentence("impact.by-tier"), _shown(impact.by_tier)),
            (sentence("impact.by-country"), _shown(summed(impact.by_country))),
        ],
        "examples": [example(each) for each in impact.samples],
        "conflicts": [str(each) for each in impact.conflicts],
    }
    return (
        page_templates().get_template("impact.html").render(p=page, style=stylesheet("impact.css"))
    )


def _against(impact: Impact) -> Sequence[AffectedGroup]:
    """This directive and blocking everyone, one bar each."""
    everyone = impact.everyone
    rest = impact.people - impact.outside - everyone
    this = AffectedGroup(
        sentence("impact.this-directive"),
        impact.people,
        impact.blocked,
        impact.unknown,
        impact.kept,
        impact.outside,
    )
    # A directive that only spares people names nothing to block for everyone.
    if not everyone:
        return [this]
    whole = AffectedGroup(
        sentence("impact.blocking-everyone"), impact.people, everyone, 0, rest, impact.outside
    )
    return [this, whole]


def _shown(groups: Sequence[AffectedGroup]) -> list[dict[str, Any]]:
    """Each group with the parts of its bar: where each begins and how wide it is, of 100."""
    return [
        {"name": each.name, "people": each.people, "parts": _parts(each), "aloud": _aloud(each)}
        for each in groups
    ]


def _aloud(group: AffectedGroup) -> str:
    """A bar in words."""
    parts = [sentence("impact.part", count=getattr(group, fate), fate=fate) for fate in FATES]
    return sentence("impact.bar", group=group.name, parts=parts)


def _parts(group: AffectedGroup) -> list[dict[str, Any]]:
    at, found = 0.0, []
    for fate in FATES:
        count = getattr(group, fate)
        width = 100 * count / max(group.people, 1)
        found.append(
            {
                "fate": fate,
                "count": count,
                "colour": _COLOURS[fate],
                "at": f"{at:.3f}",
                "width": f"{width:.3f}" if width else "",
            }
        )
        at += width
    return found
