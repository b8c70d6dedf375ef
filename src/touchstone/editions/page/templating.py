"""The templates of every page, the stylesheets, and the pictures that go into them."""

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from touchstone.editions.sentences import catalogue, markup

PACKAGE = "touchstone.editions.page"


def page_templates(
    filters: Mapping[str, Callable[..., Any]] | None = None,
    names: Mapping[str, Any] | None = None,
) -> Environment:
    """The templates: all text is escaped, and a name that is not given is an error.

    `filters` and `names` are what the templates of one page may use beside `count`, which sets
    thousands apart, and `say`, which says a sentence of the catalogue.
    """
    environment = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = "{:,}".format
    environment.filters.update(filters or {})
    environment.globals |= {"say": markup, "language": lambda: catalogue().language}
    environment.globals.update(names or {})
    return environment


def stylesheet(name: str) -> Markup:
    """A stylesheet among the templates, as it goes into a page: "report.css" or "impact.css"."""
    text = resources.files(PACKAGE).joinpath(f"templates/{name}").read_text("utf-8")
    return Markup(text)  # noqa: S704  our own stylesheet, shipped with the package


def drawn(pictures: Sequence[str]) -> list[Markup]:
    """Pictures as they go into a page; what they say was escaped when they were drawn."""
    return [Markup(svg) for svg in pictures]  # noqa: S704  drawn and escaped by us
