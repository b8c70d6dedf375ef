"""A structured value as lines that people read, before they sign it: all of it, and nothing else.

    value_lines({"access": "endpoint", "readers": {"reports": ["example-bank"]}})

gives `access: endpoint`, `readers:`, `  reports:` and `    - example-bank`. What differs as a value
differs in its lines.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from touchstone.handin import printable

# What a bare text would be taken for: another kind of value, a quoted text, a mark of ours, or a
# text without the blank at its end.
_AMBIGUOUS = re.compile(r'-?\d+|true|false|null|\[\]|\{\}|["|].*|-|- .*|\s.*|.*\s|', re.DOTALL)


def value_lines(value: Any) -> Iterator[str]:
    """A JSON value in lines: `key: value`, lists by `- `, each depth by two spaces.

    A text of several lines is those lines, each behind `| `, so that none of them can pass for a
    key. A text that would be read as something else stands in quotation marks. No character is left
    out, and those that nobody sees, or a terminal would obey, stand as their codes.
    """
    match value:
        case Mapping() if value:
            for name, each in value.items():
                yield from _named(_word(name, is_name=True), each)
        case list() | tuple() if value:
            for each in value:
                first, *rest = value_lines(each)
                yield f"- {first}"
                yield from (f"  {line}" for line in rest)
        case str() if "\n" in value:
            yield from (f"| {printable(line)}" for line in value.split("\n"))
        case str():
            yield _word(value)
        case _:
            yield json.dumps(value)


def _named(name: str, value: Any) -> Iterator[str]:
    lines = list(value_lines(value))
    # What is empty stands beside its name as a single value does.
    if (isinstance(value, Mapping | list | tuple) and value) or len(lines) > 1:
        yield f"{name}:"
        yield from (f"  {line}" for line in lines)
    else:
        yield f"{name}: {lines[0]}"


def _word(text: str, *, is_name: bool = False) -> str:
    # A name that holds a colon or a line break could be read as a name and its value.
    quoted = _AMBIGUOUS.fullmatch(text) or (is_name and (":" in text or "\n" in text))
    return printable(json.dumps(text, ensure_ascii=False) if quoted else text)
