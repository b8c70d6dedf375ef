"""Applies the subject's repair to a fresh program and runs all calls: every answer must be right.

Standard library only. Working folder: program.py, running.py, item.json (the calls and their right
answers), the program with its flaw, what answers calls with it, and the repair. Programs run here
with one line of the subject's: a few tokens, of names and texts that the program has already. What
is right is no file any more by then. The last line of stdout is the score; a non-zero exit is the
judge's own fault and no score.
"""

import ctypes
import difflib
import importlib
import json
import pathlib
import sys
from typing import Any

ANSWER = "repair.json"
MAX_ANSWER = 4 * 1024
MOST_LENGTH = 400
MOST_TOKENS = 16
SECONDS = 15.0
_NOT_DUMPABLE = 4


class RejectedError(Exception):
    """The answer scores 0; the text says why."""


def read_repair(data: bytes) -> dict[str, Any] | None:
    """The repair; None: the answer is that nothing is wrong."""
    if len(data) > MAX_ANSWER:
        raise RejectedError(f"the answer is larger than {MAX_ANSWER} bytes")
    try:
        answer = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise RejectedError("the answer is not JSON in UTF-8") from None
    if not isinstance(answer, dict) or set(answer) != {"repair"}:
        raise RejectedError("the answer has not just repair")
    repair = answer["repair"]
    if repair is None:
        return None
    if not isinstance(repair, dict) or set(repair) != {"line", "text"}:
        raise RejectedError("repair has not just line and text")
    if type(repair["line"]) is not int or not isinstance(repair["text"], str):
        raise RejectedError("line is a whole number, and text a text")
    return repair


def repaired(text: str, repair: dict[str, Any], language: str, program: Any) -> str:
    """The program with the repair's line; refused is one that is more than a repair."""
    rows, line, new = text.splitlines(), repair["line"], repair["text"].strip()
    if not 1 <= line <= len(rows):
        raise RejectedError(f"there is no line {line}")
    if len(new) > MOST_LENGTH or not new.isprintable() or not new.isascii():
        raise RejectedError(f"text is no line of at most {MOST_LENGTH} plain characters")
    old = rows[line - 1]
    try:
        before, after = program.tokens_of(old, language), program.tokens_of(new, language)
    except ValueError as error:
        raise RejectedError(f"the line cannot be read: {error}") from None
    if any(piece[0] == "#" for piece in (*before, *after)):
        raise RejectedError("a line of the preprocessor is none to be repaired")
    known = {piece for row in rows for piece in program.tokens_of(row, language)}
    for piece in after:
        if piece not in known and (program.is_name(piece) or program.is_text(piece)):
            raise RejectedError("a repair has names and texts that the program has already")
    changes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    count = sum(max(b - a, d - c) for tag, a, b, c, d in changes if tag != "equal")
    if count > MOST_TOKENS:
        raise RejectedError(f"a repair changes at most {MOST_TOKENS} tokens, and this one {count}")
    rows[line - 1] = old[: len(old) - len(old.lstrip())] + new
    return "\n".join(rows) + "\n"


def hold_to_calls(item: dict[str, Any], running: Any) -> None:
    """Reject a program that answers any call otherwise than is right."""
    folder, language = pathlib.Path(), item["language"]
    try:
        told = running.told_by(folder, language, item["calls"], SECONDS, running.CHECKED)
    except running.ProgramFailedError as error:
        raise RejectedError(f"with the repair the program fails: {error}") from None
    wrong = sum(one != other for one, other in zip(told, item["answers"], strict=True))
    if wrong:
        raise RejectedError(f"with the repair {wrong} of {len(told)} calls are answered wrongly")


def claimed(data: bytes, item: dict[str, Any]) -> dict[str, Any] | None:
    """The repair, where something is wrong; None: nothing is, and nothing was said to be."""
    repair = read_repair(data)
    if repair is None and item["flawed"]:
        raise RejectedError("something is wrong, and nothing was said to be")
    if repair is not None and not item["flawed"]:
        raise RejectedError("nothing is wrong, and something was said to be")
    return repair


def judge() -> tuple[int, str]:
    """(score, reason)."""
    source = pathlib.Path("item.json")
    item = json.loads(source.read_text())
    sys.path.insert(0, ".")
    program, running = importlib.import_module("program"), importlib.import_module("running")
    path = pathlib.Path(ANSWER)
    if not path.is_file():
        return 0, f"there is no {ANSWER}"
    unit = pathlib.Path(item["unit"])
    try:
        repair = claimed(path.read_bytes(), item)
        if repair is None:
            return 1, "nothing is wrong, and nothing was said to be"
        unit.write_text(repaired(unit.read_text(), repair, item["language"], program))
        # From here on a program runs that the subject has had a hand in: what is right is in this
        # process alone, which no other of the same user may look into.
        source.unlink()
        ctypes.CDLL(None).prctl(_NOT_DUMPABLE, 0, 0, 0, 0)
        hold_to_calls(item, running)
    except RejectedError as rejected:
        return 0, str(rejected)
    return 1, f"the repair stands: all {len(item['calls'])} calls are answered rightly"


if __name__ == "__main__":
    score, reason = judge()
    print(json.dumps({"score": score, "reason": reason}))  # noqa: T201 - the judge's answer
