"""The catalogue refuses whatever would leave a hole in a sentence, and writes values in one way."""

from typing import Any

import pytest

from touchstone.editions.errors import SentenceError
from touchstone.editions.sentences import Catalogue, markup, paragraph, sentence, using

MESSAGES: dict[str, Any] = {
    "plain": "It is {n} of {rate:percent}.",
    "lost": {
        "by": ["word", "#n"],
        "lost": {"=0": "None.", "one": "{n} sample.", "other": "{n} samples."},
    },
    "names": "{word:lost-name} or {words}",
    "lost-name": {"by": "word", "lost": "gone"},
    "list.comma": "{first}, {rest}",
    "list.last": "{first} and {rest}",
    "bad": "{n:plain-and-simple}",
}
CATALOGUE = Catalogue("en", MESSAGES)


def test_numbers_and_rates_are_written_in_one_place():
    assert CATALOGUE.write("plain", {"n": 12345, "rate": 0.001}) == "It is 12,345 of <1%."


@pytest.mark.parametrize(("n", "text"), [(0, "None."), (1, "1 sample."), (2, "2 samples.")])
def test_a_count_chooses_its_plural(n: int, text: str):
    assert CATALOGUE.write("lost", {"word": "lost", "n": n}) == text


def test_a_message_says_the_word_of_another_and_lists_are_joined():
    told = CATALOGUE.write("names", {"word": "lost", "words": ["a", "b", "c"]})
    assert told == "gone or a, b and c"


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("none", {}),
        ("plain", {"n": 1}),
        ("plain", {"n": 1, "rate": 0.5, "more": 1}),
        ("lost", {"word": "found", "n": 1}),
        ("names", {"word": "other", "words": []}),
        ("plain", {"n": None, "rate": 0.5}),
        ("plain", {"n": 0.5, "rate": 0.5}),
        ("bad", {"n": 1}),
    ],
)
def test_whatever_would_leave_a_hole_is_refused(key: str, values: dict[str, Any]):
    with pytest.raises(SentenceError):
        CATALOGUE.write(key, values)


def test_on_a_page_every_piece_is_escaped_but_markup():
    with using(Catalogue("en", {"a": "<{x}> & {y}"})):
        said = markup("a", x="<b>", y=markup("a", x="1", y="2"))
    assert said == "&lt;&lt;b&gt;&gt; &amp; &lt;1&gt; &amp; 2"


def test_days_and_counts_in_words():
    assert CATALOGUE.write("plain", {"n": "x", "rate": 1}) == "It is x of 100%."
    assert sentence("summary.proposed", designation="covered").endswith("covered frontier model.")
    assert paragraph("One.", "", "Two.") == "One. Two."
