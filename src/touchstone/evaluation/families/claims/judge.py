"""Checks the subject's claims: all of them must be right, and no flaw may be left out.

Standard library only. Working folder: model.py (what parts come to), item.json (the parts by the
terms, and what the program has otherwise) and the answer. Nothing of the subject runs here: steps
are data. The last line of stdout is the score; a non-zero exit is the judge's own fault and no
score.
"""

import importlib.util
import json
import pathlib
from typing import Any

ANSWER = "claims.json"
MAX_ANSWER = 32 * 1024
MAX_CLAIMS = 3


class RejectedError(Exception):
    """The answer scores 0; the text says why."""


def load_model() -> Any:
    """What parts come to, as a module."""
    spec = importlib.util.spec_from_file_location("model", "model.py")
    if spec is None or spec.loader is None:
        raise SystemExit("model.py cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parse_claims(data: bytes, item: dict[str, Any], model: Any) -> list[dict[str, Any]]:
    """The claims, each of the form that the prompt asks for."""
    if len(data) > MAX_ANSWER:
        raise RejectedError(f"the answer is larger than {MAX_ANSWER} bytes")
    try:
        answer = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise RejectedError("the answer is not JSON in UTF-8") from None
    claims = answer.get("claims") if isinstance(answer, dict) else None
    if not isinstance(claims, list) or len(claims) > MAX_CLAIMS:
        raise RejectedError(f"the answer holds no list of at most {MAX_CLAIMS} claims")
    for place, claim in enumerate(claims):
        if not isinstance(claim, dict) or set(claim) != {"part", "steps", "right"}:
            raise RejectedError(f"claim {place} has not just part, steps and right")
        if type(claim["part"]) is not int:
            raise RejectedError(f"claim {place}: part is a whole number")
        fault = model.steps_fault(item["facts"], item["parts"], claim["steps"])
        if fault:
            raise RejectedError(f"claim {place}: {fault}")
    return claims


def same(told: object, right: object) -> bool:
    """Whether two values are one in JSON: true is no 1, and 1.0 is none either."""
    return json.dumps(told) == json.dumps(right)


def hold_claim(place: int, claim: dict[str, Any], item: dict[str, Any], model: Any) -> None:
    """Reject a claim that is wrong, or not shown by its steps."""
    parts, slips, number = item["parts"], item["slips"], claim["part"]
    own = [slip for slip in slips if slip[0] == number - 1]
    if not own:
        raise RejectedError(f"claim {place} is wrong: part {number} has no flaw")

    def had(chosen: list[Any]) -> Any:
        return model.comes_to(item["facts"], model.slips_made(parts, chosen), claim["steps"])

    right = had([])
    if not same(claim["right"], right):
        raise RejectedError(f"claim {place} is wrong: by the terms it comes to {right}")
    # Two flaws may hide one another: alone or among the others is enough.
    if had(own) == right and had(slips) == had([slip for slip in slips if slip not in own]):
        raise RejectedError(f"claim {place} is not shown: its steps come to the same without it")


def judge() -> tuple[int, str]:
    """(score, reason)."""
    item = json.loads(pathlib.Path("item.json").read_text())
    model = load_model()
    path = pathlib.Path(ANSWER)
    if not path.is_file():
        return 0, f"there is no {ANSWER}"
    try:
        claims = parse_claims(path.read_bytes(), item, model)
        for place, claim in enumerate(claims):
            hold_claim(place, claim, item, model)
    except RejectedError as rejected:
        return 0, str(rejected)
    found = [claim["part"] - 1 for claim in claims]
    flawed = [slip[0] for slip in item["slips"]]
    if sorted(found) != flawed:
        return 0, f"{len(set(found))} of {len(flawed)} flaws were found, in {len(found)} claims"
    return 1, f"all flaws were found ({len(flawed)}), and nothing was claimed that is none"


if __name__ == "__main__":
    score, reason = judge()
    print(json.dumps({"score": score, "reason": reason}))  # noqa: T201 - the judge's answer
