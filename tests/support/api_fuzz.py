"""Requests made from the API's own description, good and bad, and what must hold of every answer.

    python -m support.api_fuzz --seconds 60 [--seed N] [--http]

`make fuzz-api`. What is said of each answer: no fault; a status, a type and a form that the
description has; a problem where it is none; nothing of what was sent in a problem; no secret, and
no word that whoever asks may not read.
"""

import argparse
import json
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import schemathesis
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.urls import set_script_prefix
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks

import touchstone
from support.accounts import let_in
from support.asked_site import AGENCY, CASES, LAB, NOBODY, STRANGER, Heard, Person, Site, asked_site
from support.live_server import Doorkeeper, live
from touchstone.ledger import MalformedError, dumps
from touchstone.server.accounts.limits import Limiter
from touchstone.server.accounts.models import RateRow
from touchstone.server.accounts.roles import ADMINISTRATOR, scopes_of
from touchstone.server.api.problems import HEADERS, PROBLEM
from touchstone.server.api.routes import described
from touchstone.server.serving import SERVING

CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
"""Not that what fits the description is taken: it says not which deeds a case is ready for."""
SENT = 10
"""Characters from which on a text that was sent is looked for in a problem."""
_SAID_BY_ALL = frozenset(name.lower() for name in HEADERS)
ROUND = 10
"""Requests of each kind for each operation, between two looks at the clock."""
ASKING = ((LAB, "lead"), (NOBODY, ADMINISTRATOR), (AGENCY, "lead"), (STRANGER, "lead"))
ASKING_LESS = ((LAB, "auditor"), (LAB, "counterpart"), (LAB, "submitter"), (LAB, "evaluator"))


def _canonical(_context: Any, value: Any) -> bytes:
    """As a client sends it, so that what is wrong is the value and not its spelling alone."""
    try:
        return dumps(value)
    except (MalformedError, RecursionError, TypeError, ValueError):
        return json.dumps(value, default=str).encode("utf-8", "surrogatepass")


schemathesis.serializer("application/json")(_canonical)


@dataclass(frozen=True)
class Held:
    """Something that did not hold, and how to ask for it again."""

    operation: str
    why: str
    request: str


@dataclass
class Fuzz:
    """Throws requests at a site and keeps what did not hold."""

    site: Site
    url: str = ""
    """Where it listens; empty: it is called in this process, with all of Django."""
    found: list[Held] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        # Whoever is removed, renamed or ends a token is somebody whom nothing else needs.
        now = self.site.here.now()
        device = let_in(LAB, "reviewer", aud=self.site.serving.fingerprint, name="Spare", now=now)
        token = device.token(*scopes_of(["reviewer"]), now=now).token
        self._spare = Person(LAB, "reviewer", device, token)
        people = [self.site.people[each] for each in (*ASKING, *ASKING_LESS)]
        self._people: Iterator[Person | None] = cycle([*people, None])
        self._known = cycle([False, True, True])
        self._cases = cycle(CASES)

    def run(self, seed: int, examples: int, only: Sequence[str] = ()) -> None:
        """So many good and so many bad requests for each operation, or for those that are named."""
        schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", _app_of(self.site))
        operations: list[Any] = list(schema.get_all_operations())
        for operation in (each.ok() for each in operations):
            if only and operation.label not in only:
                continue
            for mode in GenerationMode:
                strategy = operation.as_strategy(generation_mode=mode)
                asks = settings(
                    max_examples=examples,
                    database=None,
                    deadline=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )(seeded(seed)(given(case=strategy)(self._ask)))
                asks()

    def _ask(self, case: Any) -> None:
        known = next(self._known)
        person = self._aim(case, known=known)
        headers = {"Authorization": f"Bearer {person.token}"} if person else {}
        try:
            response = case.call(base_url=self.url or None, headers=headers)
        except UnicodeEncodeError:
            # No client could send it.
            return
        self.statuses[response.status_code] += 1
        self.asked[case.operation.label] += 1
        try:
            # What was aimed is as good as the description has it, whatever was made before.
            further = [] if known else [checks.negative_data_rejection]
            case.validate_response(response, checks=[*CHECKS, *further])
        except FailureGroup as group:
            for failure in group.exceptions:
                self._note(case, failure.title)
        except Failure as failure:
            self._note(case, failure.title)
        media = "".join(response.headers.get("content-type", []))
        # What every answer says of itself is no echo: strings of our own code are sent, too.
        told = {n: each for n, each in response.headers.items() if n.lower() not in _SAID_BY_ALL}
        said = response.text + str(told)
        if response.status_code >= 400:
            if media != PROBLEM and case.method != "HEAD":
                self._note(case, f"{response.status_code} is no problem, but {media}")
            for text in _texts(case):
                if text in said:
                    self._note(case, f"a problem repeats {text!a}")
        for why in self._told(person, said):
            self._note(case, why)

    def _aim(self, case: Any, *, known: bool) -> Person | None:
        """Who asks; and mostly of a case, and of a person, that are there."""
        person = next(self._people)
        if known:
            there = {"case": next(self._cases), "person": self._spare.device.person}
            for name in case.path_parameters.keys() & there.keys():
                case.path_parameters[name] = there[name]
        if case.operation.label == "DELETE /v1/tokens/current" and person:
            return self._spare
        return person

    def _told(self, person: Person | None, said: str) -> Iterator[str]:
        for secret in self.site.secrets():
            if secret in said:
                yield "a secret is told"
        for canary in self.site.canaries:
            may = person and person.contents and person.party in canary.readers
            if canary.text in said and not may:
                yield f"{canary.text} is told to {person and person.party}"

    def _note(self, case: Any, why: str) -> None:
        # One of a kind: a campaign would else say the same a thousand times.
        if not any(
            (each.operation, each.why) == (case.operation.label, why) for each in self.found
        ):
            self.found.append(Held(case.operation.label, why, case.as_curl_command()))


def _texts(case: Any) -> Iterator[str]:
    """What was sent, without what every such request has."""
    given = [case.query, case.headers, case.cookies, case.body, case.path_parameters]
    for text in _within(given):
        if len(text) >= SENT and not text.isspace() and text not in CASES and text not in _ours():
            yield text


@cache
def _ours() -> str:
    """What an answer may say of itself, and Hypothesis, which draws from our code, may send too."""
    code = Path(touchstone.__file__).parent.rglob("*.py")
    return "\n".join([described().decode(), *(path.read_text("utf-8") for path in code)])


def _within(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from (str(name), *_within(each))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _within(each)


def _app_of(site: Site) -> Callable[..., Iterable[bytes]]:
    """The site as WSGI has it, through all of Django, as if nobody had asked before."""
    handler = BaseHandler()
    handler.load_middleware()

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        set_script_prefix("/")
        RateRow.objects.all().delete()
        site.serving.limiter = Limiter()
        asked = {**environ, "HTTP_HOST": "127.0.0.1", SERVING: site.serving}
        response: Any = handler.get_response(WSGIRequest(asked))
        start(f"{response.status_code} {response.reason_phrase}", list(response.items()))
        return list(response.streaming_content) if response.streaming else [response.content]

    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """0: everything held; 1: something did not, and is told with how to ask for it."""
    parser = argparse.ArgumentParser(prog="api-fuzz")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument(
        "--http", action="store_true", help="over a socket, and not in this process"
    )
    asked = parser.parse_args(arguments)
    _say(f"seed {asked.seed}")
    end, heard = time.monotonic() + asked.seconds, Heard()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_:
        site = open_.enter_context(asked_site(Path(folder)))
        url = ""
        if asked.http:
            served = open_.enter_context(
                live(site.here, cast("Doorkeeper", site.serving.authenticate))
            )
            url = served.url
        open_.enter_context(heard.listening())
        fuzz, seed = Fuzz(site, url), asked.seed
        while time.monotonic() < end and not fuzz.found:
            fuzz.run(seed, ROUND)
            seed += 1
        for each in fuzz.found:
            _say(f"broken: {each.operation}: {each.why}\n  {each.request}")
        told = [text for text in site.secrets() if any(text in line for line in heard.lines)]
        _say("a secret stands in the log" if told else f"answers: {dict(fuzz.statuses)}")
    return 1 if fuzz.found or told else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
