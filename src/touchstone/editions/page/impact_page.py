"""The blast radius as one HTML page that needs no other file and runs no script."""

from collections.abc import Sequence
from typing import Any

from touchstone.editions.page.templating import page_templates, stylesheet
from touchstone.terms.directives.impact import FATES, AffectedGroup, Impact, summed

_COLOURS = {"blocked": "#b4530a", "unknown": "#d9a441", "kept": "#0b5c8a", "outside": "#9fb6c6"}
_MEANINGS = {
    "blocked": "lose something",
    "unknown": "lose something for want of a fact",
    "kept": "lose nothing",
    "outside": "could do nothing before",
}


def render_impact(title: str, lines: Sequence[str], impact: Impact) -> str:
    """The page. Everything in it is escaped, and the page forbids itself the network.

    `title` and `lines` say which directive it is and what it orders.
    """
    page = {
        "title": title,
        "lines": lines,
        "fates": [
            {"name": fate, "colour": _COLOURS[fate], "meaning": _MEANINGS[fate]} for fate in FATES
        ],
        "against": _shown(_against(impact)),
        "summary": " ".join(impact.summary()),
        "by": [
            ("By nationality", _shown(impact.by_kind)),
            ("By tier", _shown(impact.by_tier)),
            ("By country", _shown(summed(impact.by_country))),
        ],
        "examples": [str(each) for each in impact.samples],
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
        "this directive",
        impact.people,
        impact.blocked,
        impact.unknown,
        impact.kept,
        impact.outside,
    )
    if not everyone:
        return [this]
    whole = AffectedGroup("blocking everyone", impact.people, everyone, 0, rest, impact.outside)
    return [this, whole]


def _shown(groups: Sequence[AffectedGroup]) -> list[dict[str, Any]]:
    """Each group with the parts of its bar: where each begins and how wide it is, of 100."""
    return [{"name": each.name, "people": each.people, "parts": _parts(each)} for each in groups]


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
