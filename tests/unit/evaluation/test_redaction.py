"""No form of an endpoint's key stands in what its errors quote; other words stay."""

import base64
import json
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.endpoint import completion
from touchstone.evaluation.cleaning import NotAnAnswerError
from touchstone.evaluation.door import admit
from touchstone.evaluation.redaction import HIDDEN, Redactor
from touchstone.handin import is_unseen

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


@pytest.mark.parametrize("length", range(8, 15))
@pytest.mark.parametrize("kind", ["sk-abcdefghijklm", "abcdefghijklmnop", "4815162342108915"])
def test_a_key_of_any_length_goes_whole_out_of_an_answer(kind: str, length: int):
    """Of letters alone and of digits alone as well, where no shorter run of it is hidden."""
    key = kind[:length]
    redactor = Redactor(key)
    for told in (key, key.upper(), key[::-1], "".join(f"%{ord(c):02x}" for c in key)):
        assert redactor.of_answer(f"see {told}!") == f"see {HIDDEN}!"
        assert redactor.of_error(f"see {told} there") == f"see {HIDDEN} there"
    assert redactor.of_answer(f"see {key[:7]} alone") == f"see {key[:7]} alone"


def _folds_oddly(character: str) -> bool:
    """All that changes its length, its letter or its look, and all that is unseen."""
    kind = unicodedata.category(character)
    return kind not in {"Cn", "Co", "Cs"} and (
        character.casefold() != character
        or len(character.lower()) != 1
        or unicodedata.normalize("NFKC", character) != character
        or is_unseen(character)
        or kind.startswith("M")
    )


def test_no_character_beside_the_key_keeps_it_from_being_seen():
    """Each of some thousands that fold oddly in a text of its own; U+0130 did for all of it."""
    redactor = Redactor(KEY)
    odd = [chr(p) for p in range(sys.maxunicode + 1) if _folds_oddly(chr(p))]
    kept = [c for c in odd if KEY[4:] in redactor.of_answer(c + KEY + c)]
    assert (len(odd) > 5_000, kept) == (True, [])


@settings(max_examples=200)
@given(st.text(max_size=4), st.text(max_size=4))
def test_no_text_around_the_key_keeps_it_from_being_seen(before: str, after: str):
    said = Redactor(KEY).of_answer(before + KEY + after)
    assert KEY not in said
    assert said.startswith(before)


@pytest.mark.parametrize("character", ["\u200b", "\u0000", "\ufffd", "\U000e0041", "\u0301", "\n"])
def test_what_leaves_no_mark_within_the_key_hides_it_not(character: str):
    text = character.join(KEY)
    assert Redactor(KEY).of_answer(f"see {text}!") == f"see {HIDDEN}!"
    if character != "\n":
        assert Redactor(KEY).of_error(f"see {text} there") == f"see {HIDDEN} there"


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "upper": str.upper,
    "reversed": lambda key: key[::-1],
    "hex": lambda key: key.encode().hex(),
    "hex reversed": lambda key: key.encode().hex()[::-1],
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 shifted": lambda key: base64.urlsafe_b64encode(b"a" + key.encode()).decode(),
    "base64 in a URL": lambda key: (
        base64.b64encode(b"a" + key.encode()).decode().replace("=", "%3D")
    ),
    "percent": lambda key: "".join(f"%{ord(c):02X}" for c in key),
    "percent twice": lambda key: "".join(f"%25{ord(c):02x}" for c in key),
    "JSON": lambda key: "".join(f"\\u{ord(c):04x}" for c in key),
    "JSON in JSON": lambda key: "".join(f"\\\\u{ord(c):04X}" for c in key),
    "braces": lambda key: "".join(f"\\u{{{ord(c):x}}}" for c in key),
    "bytes": lambda key: "".join(f"\\x{ord(c):02x}" for c in key),
    "octal": lambda key: "".join(f"\\{ord(c):03o}" for c in key),
    "HTML": lambda key: "".join(f"&#{ord(c)};" for c in key),
    "HTML, hex": lambda key: "".join(f"&#x{ord(c):x};" for c in key),
    "full width": lambda key: "".join(chr(ord(c) + 0xFEE0) for c in key),
    "mixed": lambda key: "".join(f"%{ord(c):02x}" if n % 3 else c for n, c in enumerate(key)),
}
PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "the text": completion,
    "a part": lambda told: (
        completion()
        | {
            "choices": [
                {"finish_reason": "stop", "message": {"content": [{"type": "text", "text": told}]}}
            ]
        }
    ),
    "the reasoning": lambda told: completion(reasoning=told),
    "details": lambda told: completion(reasoning_details=[{"a": [{told: 1}]}]),
    "the refusal": lambda told: completion(refusal=told),
    "an argument": lambda told: completion("", [("bash", {"command": told})]),
    "its name": lambda told: completion("", [("bash", {told: "ls"})]),
    "a tool": lambda told: completion("", [(told, {})]),
    "the model": lambda told: completion(model=told),
    "the id": lambda told: completion() | {"id": told},
    "the fingerprint": lambda told: completion() | {"system_fingerprint": told},
    "the end": lambda told: completion(stop=told),
    "an error": lambda told: {"error": {"message": f"bad key {told}"}},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", FORMS)
def test_no_form_of_the_key_passes_the_door_anywhere(form: str, place: str):
    told = FORMS[form](KEY)
    body = PLACES[place](told)
    try:
        passed = admit(json.dumps(body).encode(), {"bash": "command"}, Redactor(KEY))
        out = json.dumps([passed.completion, passed.notes, passed.unknown_end], ensure_ascii=False)
    except NotAnAnswerError as error:
        out = str(error)
    assert told not in out
    # Written once more within JSON, a backslash is two.
    assert told.replace("\\", "\\\\") not in out
    assert HIDDEN in out


def test_a_key_of_digits_passes_not_as_a_number_either():
    said = completion(reasoning_details=[{"budget": 4815162342108, "left": 12}])
    passed = admit(json.dumps(said).encode(), {}, Redactor("4815162342108"))
    (details,) = passed.completion["choices"][0]["message"]["reasoning_details"]
    assert details == {"budget": HIDDEN, "left": 12}


def test_an_unseen_character_is_no_name():
    """U+3164 and U+2800 count as printable to Python, and show nothing."""
    for unseen in ("\u3164", "\u2800", "\u200b"):
        passed = admit(json.dumps(completion(model=unseen)).encode(), {}, Redactor(""))
        assert passed.completion["model"] == "unnamed"
        call = completion("", [(f"ba{unseen}sh", {})])
        made = admit(json.dumps(call).encode(), {}, Redactor("")).completion["choices"][0]
        assert made["message"]["tool_calls"][0]["function"]["name"] == "ba\ufffdsh"
