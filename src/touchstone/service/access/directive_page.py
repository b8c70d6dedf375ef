"""The blast radius as one HTML page that needs no other file and runs no script."""

from collections.abc import Iterator, Sequence
from html import escape

from touchstone.service.access.directives import Previewed
from touchstone.terms.directives.impact import FATES, AffectedGroup, Impact, summed

_COLOURS = {"blocked": "#b4530a", "unknown": "#d9a441", "kept": "#0b5c8a", "outside": "#9fb6c6"}
_WORDS = {"blocked": "lose something", "unknown": "lose something for want of a fact",
          "kept": "lose nothing", "outside": "could do nothing before"}  # fmt: skip
_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #1b2733; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem }}
p, li {{ overflow-wrap: anywhere }}
div {{ overflow-x: auto }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; padding: .25rem .5rem; border-bottom: 1px solid #e3e9ee;
  white-space: nowrap }}
.n {{ text-align: right; font-variant-numeric: tabular-nums }}
td.b {{ width: 40%; min-width: 8rem }}
svg {{ display: block; width: 100%; height: 1.1rem }}
.key span {{ display: inline-block; margin-right: 1em }}
.key i {{ display: inline-block; width: .9em; height: .9em; margin-right: .4em;
  vertical-align: -.1em }}
@media (max-width: 40rem) {{
  body {{ margin: 1rem auto }}
  h1 {{ font-size: 1.5rem; line-height: 1.25 }}
  table, tbody {{ display: block }}
  tr {{ display: grid; grid-template-columns: 1.8fr repeat(5, 1fr); align-items: end;
    border-bottom: 1px solid #e3e9ee }}
  th, td {{ border: 0; padding: .15rem .1rem; font-size: .8rem; white-space: normal }}
  th {{ font-size: .7rem }}
  th:last-child {{ display: none }}
  td.b {{ grid-column: 1 / -1; width: auto }}
  svg {{ height: .7rem }}
}}
</style></head><body>
"""


def preview_page(shown: Previewed) -> str:
    """The page. Everything in it is escaped, and the page forbids itself the network."""
    directive, reach = shown.directive, shown.reach
    parts = [_HEAD.format(title=escape(f"{directive.title}: blast radius"))]
    parts.append(f"<h1>{escape(directive.title)}</h1>")
    parts += [f"<p>{escape(line)}</p>" for line in directive.lines()]
    parts.append("<h2>Who is affected</h2>" + _against(reach) + _key())
    parts.append(f"<p>{escape(' '.join(reach.summary()))}</p>")
    for title, groups in (
        ("By nationality", reach.by_kind), ("By tier", reach.by_tier),
        ("By country", summed(reach.by_country)),
    ):  # fmt: skip
        parts.append(f"<h2>{title}</h2>" + "".join(_table(groups)))
    parts.append("<h2>Examples</h2><ul>")
    parts += [f"<li>{escape(str(each))}</li>" for each in reach.samples]
    parts.append("</ul>")
    if reach.conflicts:
        parts.append("<h2>Conflicts</h2><ul>")
        parts += [f"<li>{escape(str(each))}</li>" for each in reach.conflicts]
        parts.append("</ul>")
    return "\n".join([*parts, "</body></html>\n"])


def _against(reach: Impact) -> str:
    """This directive and blocking everyone, one bar each."""
    everyone = reach.everyone
    rest = reach.people - reach.outside - everyone
    rows = (
        AffectedGroup("this directive", reach.people, reach.blocked, reach.unknown, reach.kept,
              reach.outside),
        AffectedGroup("blocking everyone", reach.people, everyone, 0, rest, reach.outside),
    )  # fmt: skip
    return "".join(_table(rows if everyone else rows[:1]))


def _key() -> str:
    marks = (
        f'<span><i style="background:{_COLOURS[fate]}"></i>{fate}: {_WORDS[fate]}</span>'
        for fate in FATES
    )
    return f'<p class="key">{" ".join(marks)}</p>'


def _table(groups: Sequence[AffectedGroup]) -> Iterator[str]:
    heads = ("people", *FATES)
    yield "<div><table><tr><th></th>"
    yield "".join(f'<th class="n">{head}</th>' for head in heads) + "<th></th></tr>"
    for each in groups:
        numbers = (each.people, *(getattr(each, fate) for fate in FATES))
        yield f"<tr><td>{escape(each.name)}</td>"
        yield "".join(f'<td class="n">{number:,}</td>' for number in numbers)
        yield f'<td class="b">{_bar(each)}</td></tr>'
    yield "</table></div>"


def _bar(group: AffectedGroup) -> str:
    at, found = 0.0, []
    for fate in FATES:
        width = 100 * getattr(group, fate) / max(group.people, 1)
        if width:
            found.append(
                f'<rect x="{at:.3f}" width="{width:.3f}" height="10" fill="{_COLOURS[fate]}"/>'
            )
        at += width
    words = ", ".join(f"{getattr(group, fate):,} {fate}" for fate in FATES)
    name = escape(f"{group.name}: {words}", quote=True)
    head = f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="{name}">'
    return f"{head}{''.join(found)}</svg>"
