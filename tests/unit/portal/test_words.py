"""Both languages say the same: each message, its values, and nothing that no page asks for."""

import re
from pathlib import Path
from typing import get_args

import pytest

import touchstone.portal
from touchstone.editions.sentences.catalogue import selectors
from touchstone.portal.deeds.fields import Complaint, Listed
from touchstone.portal.deeds.forms import FORMS
from touchstone.portal.words import LANGUAGES, words
from touchstone.server.accounts.roles import SCOPES_OF

TEMPLATES = Path(touchstone.portal.__file__).parent / "templates"


def asked() -> set[str]:
    pages = "".join(each.read_text("utf-8") for each in TEMPLATES.glob("*.html"))
    said = set(re.findall(r"""say\(["']([a-z.-]+)["']""", pages))
    return {key for key in said if key[-1] not in ".-"} | of_forms()


def of_forms() -> set[str]:
    """What pages say of each form, by its kind and those of its fields."""
    fields = [each for form in FORMS.values() for each in form.fields]
    listed = [each.options.values for each in fields if isinstance(each.options, Listed)]
    said = {f"{what}.{kind}" for kind in FORMS for what in ("deed", "follows")}
    said |= {f"deeds.by-{form.hand}" for form in FORMS.values()}
    said |= {f"field.{each.name}" for each in fields} | {f"hint.{each.kind}" for each in fields}
    said |= {f"role.{each}" for each in SCOPES_OF}
    said |= {f"choice.{value}" for values in listed for value in values}
    return said | {f"wrong.{each}" for each in get_args(Complaint)} | caught()


def caught() -> set[str]:
    """What scripts catch, and pages have words for."""
    page = (TEMPLATES / "deed_check.html").read_text("utf-8")
    (names,) = re.findall(r"for each in (\(.*\)) %}\n.*caught", page)
    return {f"caught.{each}" for each in re.findall(r'"([a-z-]+)"', names)}


def test_whatever_scripts_catch_a_page_has_words_for():
    script = (TEMPLATES.parent / "static" / "deeds.js").read_text("utf-8")
    names = set(re.findall(r'require\([^;]*, "([a-z-]+)"\);', script))
    names |= set(re.findall(r'as\("([a-z-]+)"', script)) | set(
        re.findall(r'say\(page, "([a-z-]+)"', script)
    )
    assert names - {"recorded"} <= {each.removeprefix("caught.") for each in caught()}


def test_every_language_has_every_message_with_the_same_values():
    english = words("en")
    for language in LANGUAGES:
        other = words(language)
        assert set(other.messages) == set(english.messages)
        for key, node in english.messages.items():
            assert other.fields(key) == english.fields(key), key
            if not isinstance(node, str):
                theirs = other.messages[key]
                assert not isinstance(theirs, str)
                assert selectors(theirs) == selectors(node)
                assert set(theirs) == set(node), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_asked_for_and_every_one_asked_for_is_there(language: str):
    assert asked() == set(words(language).messages)
