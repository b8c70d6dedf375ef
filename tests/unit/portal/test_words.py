"""Both languages say the same: each message, its values, and nothing that no page asks for."""

import re
from pathlib import Path

import pytest

import touchstone.portal
from touchstone.editions.sentences.catalogue import selectors
from touchstone.portal.words import LANGUAGES, words

TEMPLATES = Path(touchstone.portal.__file__).parent / "templates"


def asked() -> set[str]:
    pages = "".join(each.read_text("utf-8") for each in TEMPLATES.glob("*.html"))
    return set(re.findall(r"""say\(["']([a-z.-]+)["']""", pages))


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
