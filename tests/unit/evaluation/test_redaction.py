"""No form of an endpoint's key stands in what its errors quote; other words stay."""

import base64

import pytest

from touchstone.evaluation.redaction import HIDDEN, Redactor

KEY = "sk-live-Zq81mWc47RtYpL2x"
BEARER = f"Bearer {KEY}".encode()


@pytest.mark.parametrize(
    "told",
    [
        KEY,
        KEY.upper(),
        KEY[:12],
        KEY[-8:],
        f"{KEY[:8]}...{KEY[-4:]}",
        f"sk-****{KEY[-4:]}.",
        KEY[::-1],
        KEY.encode().hex(),
        base64.b64encode(KEY.encode()).decode(),
        base64.b64encode(BEARER).decode(),
        base64.b64encode(b"xx" + KEY.encode()).decode(),
        base64.urlsafe_b64encode(BEARER).decode(),
    ],
)
def test_a_word_that_gives_the_key_away_goes(told: str):
    said = Redactor(KEY).of_error(f"bad key ({told}) at {told}")
    assert said.split() == ["bad", "key", HIDDEN, "at", HIDDEN]


def test_other_words_stay():
    text = "Incorrect API key provided: see https://example.org/keys and live with it"
    assert Redactor(KEY).of_error(text) == text
    assert Redactor(KEY).of_answer(text + " sk-live-") == text + " sk-live-"


@pytest.mark.parametrize("key", ["", "k", "none", "EMPTY"])
def test_a_word_that_stands_for_no_key_hides_nothing(key: str):
    text = "none of the EMPTY k words"
    assert (Redactor(key).of_error(text), Redactor(key).of_answer(text)) == (text, text)
