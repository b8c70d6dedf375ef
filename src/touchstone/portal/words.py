"""What the pages say, in the reader's language: one catalogue, `sentences/`, a folder a language.

Names, deeds and reasons of a case are the editions' sentences, which are in English so far.
"""

from functools import cache
from importlib import resources

from django.http import HttpRequest

from touchstone.editions.sentences import Catalogue

LANGUAGES = {"en": "English", "fr": "Français"}
"""By code, each in its own words."""
COOKIE = "touchstone-language"


@cache
def words(language: str) -> Catalogue:
    """The catalogue of a language."""
    folder = resources.files("touchstone.portal.sentences").joinpath(language)
    return Catalogue.read(language, folder)


def language_of(request: HttpRequest) -> str:
    """What the reader chose, else what its browser asks for first and there is; else English."""
    chosen = request.COOKIES.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    for each in request.headers.get("Accept-Language", "")[:200].split(","):
        code = each.partition(";")[0].strip().lower()[:2]
        if code in LANGUAGES:
            return code
    return "en"
