"""The pages on framework files say what the code does: every key, every word, a file that works."""

import re
import textwrap
from pathlib import Path
from typing import Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from support.frameworks import SHIPPED
from touchstone import framework
from touchstone.framework import kinds, parse, parse_framework
from touchstone.handin import MAX_DOTS

DOCS = Path(__file__).parents[3] / "docs"
REFERENCE = (DOCS / "reference" / "framework-file.md").read_text("utf-8")
HOW_TO = (DOCS / "how-to" / "own-framework.md").read_text("utf-8")

MODELS = [
    framework.Framework,
    framework.Fact,
    framework.Stage,
    framework.Window,
    framework.FrameworkParty,
    framework.Participation,
    framework.NumericCriterion,
    framework.DeclaredCriterion,
    framework.Designation,
    framework.TermTemplate,
]
WORDS = [
    word
    for alias in vars(kinds).values()
    if get_origin(alias) is Literal
    for word in get_args(alias)
]


@pytest.mark.parametrize("model", MODELS)
def test_every_key_is_in_the_reference(model: type[BaseModel]):
    missing = [key for key in model.model_fields if f"`{key}`" not in REFERENCE]
    assert missing == []


@pytest.mark.parametrize("model", MODELS)
def test_every_required_key_is_marked(model: type[BaseModel]):
    missing = [
        key
        for key, field in model.model_fields.items()
        if field.is_required() and f"`{key}`*" not in REFERENCE
    ]
    assert missing == []


def test_every_word_is_in_the_reference():
    assert len(WORDS) > 30
    assert [word for word in WORDS if f'"{word}"' not in REFERENCE] == []


def test_every_limit_is_in_the_reference():
    assert f"{parse.MAX_CHARACTERS:,} characters" in REFERENCE
    assert f"{MAX_DOTS} dots" in REFERENCE
    assert f"at most {kinds.MAX_IDENTIFIER}" in REFERENCE


def test_every_shipped_file_is_in_the_reference():
    shipped = REFERENCE.partition("## Shipped files")[2]
    assert sorted(re.findall(r"^\| `(.+?)`", shipped, re.MULTILINE)) == sorted(
        path.stem for path in SHIPPED.iterdir()
    )


def test_the_file_in_the_how_to_is_a_framework():
    (text,) = re.findall(r"```toml\n(.+?)```", HOW_TO, re.DOTALL)
    mine = parse_framework(textwrap.dedent(text), "mine.toml")
    assert mine.gate == "none"
    assert mine.window.unit == "business-days"


def test_the_slip_in_the_how_to_gives_the_line_that_it_shows():
    (text,) = re.findall(r"```toml\n(.+?)```", HOW_TO, re.DOTALL)
    slip = textwrap.dedent(text).replace('threshold = "', 'tresold = "')
    with pytest.raises(framework.FrameworkFileError) as refused:
        parse_framework(slip, "mine.toml")
    assert str(refused.value) in HOW_TO
